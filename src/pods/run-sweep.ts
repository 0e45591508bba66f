import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { OutOfReach } from '../kubernetes/cluster-errors.ts';
import { POD } from '../kubernetes/object-kind.ts';
import { Interrupted, RunHolds } from './run-holds.ts';
import { RunLedger, type HeldRun } from './run-ledger.ts';
import { RunLimits } from './run-limits.ts';
import { RunsService } from './runs.service.ts';

/** A label can hold anything. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Looks after runs that nobody sees to: their process was killed, or couldn't delete their pod. */
@Injectable()
export class RunSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RunSweep.name);
  private readonly ending = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly holds: RunHolds,
    private readonly ledger: RunLedger,
    private readonly runs: RunsService,
    private readonly limits: RunLimits,
  ) {}

  onApplicationBootstrap(): void {
    this.loop = this.sweep();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ending.abort();
    await this.loop;
  }

  private async sweep(): Promise<void> {
    const { signal } = this.ending;
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    await Promise.race([this.cache.ready(), ended]);
    while (!signal.aborted) {
      try {
        for (const run of await this.ledger.takeOver()) void this.resume(run);
        await this.removeLeft();
      } catch (error) {
        this.logger.warn(`runs cannot be looked after: ${error instanceof Error ? error.message : String(error)}`);
      }
      await sleep(this.limits.sweep, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A pod may be made after its run was given up: the API server carried out late what it hadn't answered. */
  private async removeLeft(): Promise<void> {
    const pods = this.cache.runPods().filter(({ run }) => UUID.test(run) && !this.holds.has(run));
    if (pods.length === 0) return;
    const closed = new Set(await this.ledger.closed(pods.map(({ run }) => run)));
    for (const { run, namespace, name, uid } of pods) {
      if (!closed.has(run)) continue;
      this.logger.warn(`the pod ${name} of ${namespace} is of a run that is over: it is deleted`);
      await this.cluster.remove(POD, namespace, name, uid);
    }
  }

  private async resume(run: HeldRun & { app: { id: string } }): Promise<void> {
    try {
      await this.runs.resume(run);
    } catch (error) {
      // the lease runs out, and somebody tries again
      if (error instanceof OutOfReach) this.logger.warn(`the run ${run.uuid} has to wait: ${error.message}`);
      else if (!(error instanceof Interrupted)) this.logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }
}
