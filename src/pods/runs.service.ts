import { Injectable, Logger } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { AuditTrail } from '../audit/audit-trail.ts';
import { App } from '../apps/app.entity.ts';
import { mayOwn, type AppAccess } from '../apps/app.rights.ts';
import { RUN, runPod } from '../builds/run-pod.manifests.ts';
import { envSecret, pullSecret } from '../config/secrets.manifests.ts';
import { stamped } from '../deploy/differs.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { SnapshotReader } from '../deploy/snapshot-reader.ts';
import { ApiError, BadRequest, Conflict, Forbidden, NotFound, Unavailable } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import { IdempotencyKeys } from '../idempotency/idempotency-keys.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { MissingPermission, ObjectConflict, ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { RUN_UUID } from '../kubernetes/labels.ts';
import { deploymentName, runPodName } from '../kubernetes/names.ts';
import { POD, SECRET } from '../kubernetes/object-kind.ts';
import { AppLog } from '../logs/app-log.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';
import { Interrupted, RunHolds } from './run-holds.ts';
import { RunJoins } from './run-joins.ts';
import { RunLedger, type HeldRun, type RunEnding } from './run-ledger.ts';
import { RunLimits } from './run-limits.ts';
import { keptOutput, OUTPUT_LIMIT } from './run-output.ts';
import { masked, RunPermit } from './run-permit.ts';
import { RunWatch, type RunEnd } from './run-watch.ts';
import type { Run } from './run.entity.ts';

/** What a caller is answered with. */
export interface RunResult {
  exitCode: number;
  output: string;
}

/** A run whose pod is made. */
export interface BegunRun {
  run: Pick<Run, 'uuid' | 'pod'>;
  /** Its end. @throws Unavailable for what is no result: it can't be started or seen, or takes too long */
  result: Promise<RunResult>;
}

/** How often the API server is asked for something that it hasn't answered, and the first pause in milliseconds, doubled each time. */
const TRIES = 5;
const PAUSE = 500;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const randomName = (): string => Array.from({ length: 5 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

/** Runs one-off commands, and remembers what became of them. */
@Injectable()
export class RunsService {
  private readonly logger = new Logger(RunsService.name);

  constructor(
    private readonly dataSource: DataSource,
    private readonly cluster: Cluster,
    private readonly releases: ReleaseLedger,
    private readonly snapshots: SnapshotReader,
    private readonly permit: RunPermit,
    private readonly ledger: RunLedger,
    private readonly holds: RunHolds,
    private readonly joins: RunJoins,
    private readonly watch: RunWatch,
    private readonly limits: RunLimits,
    private readonly appLog: AppLog,
    private readonly audit: AuditTrail,
    private readonly keys: IdempotencyKeys,
    private readonly settings: Settings,
  ) {}

  /**
   * Runs a command in a pod of its own, with the image and the environment of the good release. It goes on when nobody waits any more. The
   * command of a user who is bound by ACLs runs without a shell. A request that repeats another one joins its run.
   * @returns when its pod is made
   * @throws BadRequest without a command or a build, or when the cluster refuses the pod; Forbidden when an ACL refuses the command;
   * Unavailable when it can't be started
   */
  async begin(access: AppAccess, user: User, command: string | null | undefined): Promise<BegunRun> {
    const { app } = access;
    const recalled = this.keys.recalled();
    if (recalled) return this.joined(app, recalled.value as string);
    const permitted = await this.permit.of(access, user, command);
    const { run, snapshot } = await this.record(app, user, permitted.command);
    let made = (): void => undefined;
    const begun = new Promise<void>((resolve) => (made = resolve));
    const result = this.holds
      .hold(run, async (signal) => {
        const pod = await this.start(run, permitted.words ?? permitted.command, snapshot, signal);
        made();
        const timeout = Number(snapshot.release.config.values['DRYCC_DEPLOY_TIMEOUT'] ?? this.settings.deployTimeout);
        return this.finish(run, app, pod, timeout, signal);
      })
      .catch((error: unknown) => {
        throw refusalOf(run, error);
      });
    // nobody may be there to hear it
    result.catch(() => undefined);
    await Promise.race([begun, result]);
    return { run, result };
  }

  private async joined(app: App, uuid: string): Promise<BegunRun> {
    const result = this.joins.result(app, uuid);
    result.catch(() => undefined);
    const run = await this.ledger.find(app.uuid, uuid);
    return run ? { run, result } : { run: { uuid, pod: '' }, result };
  }

  /** Sees to a run whose process is gone: what has ended is recorded, what is missing is lost, and nothing is started again. */
  async resume({ app, ...run }: HeldRun & { app: { id: string } }): Promise<void> {
    // its lease ran out while the database was away, and came back here
    if (this.holds.has(run.uuid)) return;
    await this.holds.hold(run, async (signal) => {
      const live = await this.cluster.get(POD, app.id, run.pod);
      const pod = live?.metadata.labels?.[RUN_UUID] === run.uuid ? live : null;
      if (run.finished === null && pod) {
        await this.finish(run, app, pod, this.settings.deployTimeout, signal).catch((error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
        });
        return;
      }
      if (run.finished === null) await this.ledger.conclude(run, { state: 'lost', exitCode: null, output: null, truncated: false });
      await this.clear(run, app, pod?.metadata.uid);
    });
  }

  /** The runs of an app that somebody may see: all for its owner and administrators, else his own. */
  async list(app: App, user: User, paging: Paging): Promise<Page<Run>> {
    const [runs, count] = await this.ledger.list(app.uuid, seesAll(app, user) ? null : user.id, paging);
    return paging.page(count, runs);
  }

  /** @throws NotFound, and Forbidden for somebody else's */
  async get(app: App, user: User, uuid: string): Promise<Run> {
    const run = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid) ? await this.ledger.find(app.uuid, uuid) : null;
    if (!run) throw NotFound.of('Run');
    if (run.ownerId !== user.id && !seesAll(app, user)) throw new Forbidden();
    return run;
  }

  private async record(app: App, user: User, command: string): Promise<{ run: Run; snapshot: AppSnapshot }> {
    return this.dataSource.transaction(async (manager) => {
      const current = await manager.findOne(App, { where: { uuid: app.uuid }, lock: { mode: 'pessimistic_read' } });
      if (!current) throw NotFound.of('App');
      if (current.destroying) throw new Conflict(`${app.id} is being destroyed`);
      const release = await this.releases.good(manager, app.uuid);
      if (!release?.build) throw new BadRequest('No build associated with this release to run this command');
      const snapshot = await this.snapshots.read(manager, app, release, [], {});
      const pod = runPodName(app.id, randomName());
      const run = await this.ledger.add(manager, { appUuid: app.uuid, ownerId: user.id, release: release.version, pod, command });
      const told = masked(command, snapshot.release.config);
      await this.appLog.write(manager, app.uuid, `${user.username} on ${pod} runs '${told}'`);
      await this.audit.record(manager, { object: `app:${app.id}`, app, after: { pod, command: told } });
      await this.keys.remember(manager, run.uuid);
      return { run, snapshot };
    });
  }

  /** Makes the pod, once. What the API server refuses leaves no row. */
  private async start(
    run: Run,
    command: string | readonly string[],
    snapshot: AppSnapshot,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    try {
      await this.assertSecrets(snapshot, signal);
      const manifest = runPod(snapshot, { uuid: run.uuid, name: run.pod, command }, this.settings);
      return await this.persist(signal, () => this.create(run, manifest));
    } catch (error) {
      const undecided = error instanceof OutOfReach || error instanceof Interrupted;
      if (!undecided) await this.ledger.withdraw(run);
      throw error;
    }
  }

  /** The release's secrets are there while something of it runs; an app whose processes have no pods may have lost them. */
  private async assertSecrets(snapshot: AppSnapshot, signal: AbortSignal): Promise<void> {
    for (const secret of [envSecret(snapshot, this.settings), pullSecret(snapshot, this.settings)]) {
      if (!secret) continue;
      await this.persist(signal, async () => {
        const live = await this.cluster.get(SECRET, snapshot.id, secret.metadata.name);
        if (!live) await this.cluster.apply(stamped(secret));
      });
    }
  }

  /** A pod of the name that carries the run's uuid is the run's: an earlier try got through, only its answer didn't. */
  private async create(run: Run, manifest: KubernetesObject): Promise<KubernetesObject> {
    try {
      return await this.cluster.create(manifest);
    } catch (error) {
      if (!(error instanceof ObjectConflict)) throw error;
      const live = await this.cluster.get(POD, manifest.metadata.namespace, run.pod);
      // nothing of the name was in the way: a quota, for one, that changed just then
      if (!live) throw new OutOfReach(error.message);
      if (live.metadata.labels?.[RUN_UUID] !== run.uuid) throw error;
      return live;
    }
  }

  /** Waits for the end of the pod, records it and takes the pod away. @throws ApiError for what is no result */
  private async finish(
    run: HeldRun,
    app: Pick<App, 'id'>,
    pod: KubernetesObject,
    timeout: number,
    signal: AbortSignal,
  ): Promise<RunResult> {
    const { uid = '', resourceVersion = '0' } = pod.metadata;
    const watched = {
      app: app.id,
      pod: run.pod,
      uid,
      resourceVersion,
      startLimit: timeout * 1000,
      ran: run.started ? Date.now() - run.started.getTime() : 0,
    };
    const end = await this.watch.wait(watched, signal, () => this.ledger.started(run));
    if (end.state === 'exited') await this.ledger.started(run);
    const ending = await this.endingOf(run, app, end, signal);
    const recorded = await this.ledger.conclude(run, ending);
    await this.clear(run, app, uid);
    if (!recorded && end.state === 'gone') {
      // taken over by another process, which has seen it to its end
      const { exitCode, output } = (await this.ledger.find(run.appUuid, run.uuid)) ?? {};
      if (typeof exitCode === 'number' && typeof output === 'string') return { exitCode, output };
    }
    return this.resultOf(run, end, ending);
  }

  private async endingOf(run: HeldRun, app: Pick<App, 'id'>, end: RunEnd, signal: AbortSignal): Promise<RunEnding> {
    switch (end.state) {
      case 'exited':
        return { state: 'finished', exitCode: end.exitCode, ...(await this.output(run, app, signal)) };
      case 'overtime':
        return { state: 'timed_out', exitCode: null, ...(await this.output(run, app, signal)) };
      case 'failed':
        return { state: 'finished', exitCode: 1, output: end.text, truncated: false };
      case 'unstarted':
        return { state: 'timed_out', exitCode: 1, output: end.trouble ?? noLogs(end.podState), truncated: false };
      case 'gone':
        return { state: 'lost', exitCode: null, output: null, truncated: false };
    }
  }

  private resultOf(run: HeldRun, end: RunEnd, { exitCode, output }: RunEnding): RunResult {
    switch (end.state) {
      case 'overtime':
        throw failure(run, `Timed out (${Math.round(this.limits.running / 60_000)} mins) while running`);
      case 'failed':
        throw failure(run, end.text);
      case 'gone':
        throw failure(run, 'the pod was taken away before the command ended');
      case 'unstarted':
        if (end.trouble !== null) throw failure(run, end.trouble);
    }
    return { exitCode: exitCode ?? 1, output: output ?? '' };
  }

  private async output(run: HeldRun, app: Pick<App, 'id'>, signal: AbortSignal): Promise<{ output: string; truncated: boolean }> {
    const query = { container: deploymentName(app.id, RUN), limitBytes: OUTPUT_LIMIT + 1 };
    try {
      return keptOutput(await this.persist(signal, () => this.cluster.podLog(app.id, run.pod, query)));
    } catch (error) {
      if (!isTheClusters(error)) throw error;
      return { output: `Could not get logs. ${error.message}`, truncated: false };
    }
  }

  /** Takes the pod away. What the API server doesn't do now is left to the next who looks for such runs. */
  private async clear(run: HeldRun, app: Pick<App, 'id'>, uid: string | undefined): Promise<void> {
    try {
      if (uid !== undefined) await this.cluster.remove(POD, app.id, run.pod, uid);
    } catch (error) {
      if (!(error instanceof OutOfReach || error instanceof MissingPermission)) throw error;
      this.logger.warn(`the pod ${run.pod} of ${app.id} could not be deleted yet: ${error.message}`);
      return;
    }
    await this.ledger.close(run);
  }

  /** Asks the API server again while it is out of reach, or says that a right is missing, which may just have been given: a few times. */
  private async persist<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        // the right to the namespace's Secrets may just be on its way back
        if (!(error instanceof OutOfReach || error instanceof MissingPermission) || attempt === TRIES) throw error;
        await sleep(PAUSE * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

const seesAll = (app: App, user: User): boolean => mayOwn(user, { app });

const noLogs = (state: string): string => `Could not get logs. Pod is in state ${state}`;

const failure = ({ pod }: HeldRun, text: string): Unavailable => new Unavailable(`${pod} (run): ${text}`);

const isTheClusters = (error: unknown): error is Error =>
  error instanceof OutOfReach || error instanceof Refused || error instanceof ObjectNotFound || error instanceof ObjectConflict;

/** What an error of the cluster means to the caller of a run. */
function refusalOf(run: HeldRun, error: unknown): unknown {
  if (error instanceof Interrupted) {
    return failure(run, `Keelson is ending; the run goes on without this request, and its result is kept as run ${run.uuid}`);
  }
  if (error instanceof Refused) return new BadRequest(`${run.pod} (run): ${error.message}`);
  return isTheClusters(error) ? failure(run, error.message) : error;
}
