import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../apps/app.entity.ts';
import { RUN } from '../builds/run-pod.manifests.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import type { StreamEvent } from '../http/event-stream.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ClusterCache } from '../kubernetes/cluster-cache.ts';
import { ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { deploymentName } from '../kubernetes/names.ts';
import { RunLedger } from './run-ledger.ts';
import { OUTPUT_LIMIT } from './run-output.ts';
import type { BegunRun } from './runs.service.ts';

/** The pause before a log that ended or broke off is read again, in milliseconds. */
const PAUSE = 1_000;
/** A change of the pod wakes who waits for it to start; it is looked at this often besides. Milliseconds. */
const LOOK = 30_000;

/** Tells of one-off runs while they run. */
@Injectable()
export class RunStream {
  constructor(
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly ledger: RunLedger,
  ) {}

  /**
   * `run` with the id, `output` with what is printed as it comes, and in the end `exit`; no `exit` when this process ends first, or the
   * caller's right does: the run goes on, and its row has the rest.
   * @param signal ends it
   */
  async *events(app: App, { run, result }: BegunRun, signal: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
    yield { event: 'run', data: { id: run.uuid } };
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    const left = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    // whether it can be answered with is the row's to say
    const ended = result.then(end, end);
    try {
      let sent = '';
      for await (const text of this.output(app, run, over.signal)) {
        sent += text;
        yield { event: 'output', data: { text } };
      }
      await Promise.race([ended, left]);
      if (signal.aborted) return;
      const row = await this.ledger.find(app.uuid, run.uuid);
      if (!row?.finished) return;
      const output = row.output ?? '';
      // more than its log, if it was taken away
      const rest = output.startsWith(sent) ? output.slice(sent.length) : output;
      if (rest !== '') yield { event: 'output', data: { text: rest } };
      yield { event: 'exit', data: { exit_code: row.exitCode, state: row.state, run: row.uuid } };
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** What the pod prints, each piece once, up to what is kept of it. */
  private async *output(app: App, { uuid, pod }: BegunRun['run'], signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const query = { container: deploymentName(app.id, RUN), limitBytes: OUTPUT_LIMIT + 4 };
    const changed = new Wakeup();
    const wake = (): void => {
      changed.signal();
    };
    const unsubscribe = this.cache.onChange(app.id, wake);
    signal.addEventListener('abort', wake);
    let sent = 0;
    let bytes = 0;
    try {
      while (!signal.aborted) {
        const containers = this.cache.podsOf(app.id).find(({ run }) => run === uuid)?.containers ?? [];
        if (!containers.some(({ name, state }) => name === query.container && (state?.running ?? state?.terminated))) {
          await changed.within(LOOK);
          continue;
        }
        try {
          // from the beginning each time: it is no more than what is kept
          let at = 0;
          for await (const text of this.cluster.followLog(app.id, pod, query, signal)) {
            const fresh = text.slice(Math.max(0, sent - at));
            at += text.length;
            if (fresh === '') continue;
            sent += fresh.length;
            bytes += Buffer.byteLength(fresh);
            if (bytes > OUTPUT_LIMIT) return;
            yield fresh;
          }
        } catch (error) {
          if (!(error instanceof OutOfReach || error instanceof Refused || error instanceof ObjectNotFound)) throw error;
        }
        await sleep(PAUSE, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', wake);
    }
  }
}
