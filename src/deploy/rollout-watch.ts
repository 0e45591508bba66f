import type { Cluster } from '../kubernetes/cluster.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { DEPLOYMENT } from '../kubernetes/object-kind.ts';
import { withLiveReplicas } from './autoscaled.ts';
import { differs } from './differs.ts';
import { drifted } from './outdated.ts';
import type { Lease } from './lease.ts';
import { mask } from './mask.ts';
import type { AppSnapshot } from './snapshot.ts';
import { allUp, deadline, endsOf, verdict, type Trouble, type Verdict } from './verdict.ts';
import { Wakeup } from './wakeup.ts';

/** A Deployment whose roll-out is waited for. */
export interface Watched {
  manifest: KubernetesObject;
  type: string;
  /** Generation that the apply answered; 0 when nothing was sent. */
  generation: number;
}

/** How it ended, by process type; `cut`: something more urgent came; `strayed`: one isn't what was sent any more, which is to be sent again. */
export type RolloutEnd = { state: 'done' } | { state: 'strayed' } | { state: 'cut' } | { state: 'failed'; types: Map<string, Trouble> };

export interface RolloutWatchOptions {
  /** With the time for which an earlier owner has waited for the same. */
  lease: Lease;
  /** When the operation was claimed first: pods that were made since then are its own, also those that an earlier owner had made. */
  begun: Date | null;
  /** As the Applier has it: what is only outdated is left. */
  spares: boolean;
  /** Seconds for one batch. */
  timeout: number;
  /** What is shown already, of an earlier try; null: nothing. */
  shown: string | null;
  /** Told what holds it up, and null when that is over. */
  show(trouble: Trouble | null): Promise<void>;
}

/** No pod has become ready for so long: then a newer commit may cut the roll-out short. Milliseconds. */
const STALLED = 15_000;
/** The control plane always takes a moment; from here on it is told, in milliseconds, and waited for no longer than so. */
const SLOW_CONTROL_PLANE = 5_000;
const CONTROL_PLANE_AWAY = 600_000;
/** What has no event of its own (a deadline, a stall, a lease) is looked at this often. */
const TICK = 1_000;
/** An image pull that takes longer than this, in milliseconds, gets more time, once. */
const SLOW_PULL = 60_000;
const MORE_FOR_PULL = 600_000;
/** How much of a crashed process's log is shown. */
const LOG_LINES = 10;
const LOG_BYTES = 4_096;

/**
 * Waits on the watch cache until every Deployment came up, one failed, or time is up. Made before anything is sent: how the pods were
 * then tells what the roll-out did to them.
 */
export class RolloutWatch {
  private readonly started = performance.now();
  private readonly began = Date.now();
  private readonly endedBefore: ReadonlyMap<string, number>;
  /** Milliseconds during which the cluster could be seen and did its part: only these count towards the deadline. */
  private elapsed: number;
  /** Milliseconds for which it was the control plane's turn. */
  private controlPlane = 0;
  private extension = 0;
  private shown: string | null;
  /** Pods that were on their way out before. */
  private readonly leaving: ReadonlySet<string>;

  constructor(
    private readonly cluster: Cluster,
    private readonly cache: ClusterCache,
    private readonly app: AppSnapshot,
    private readonly options: RolloutWatchOptions,
  ) {
    this.shown = options.shown;
    this.elapsed = options.lease.waited;
    // the cluster's times have no fractions of a second
    const begun = Math.floor((options.begun?.getTime() ?? Infinity) / 1000) * 1000;
    const before = cache.podsOf(app.id).filter(({ created }) => Date.parse(created) < begun);
    const containers = before.flatMap(({ uid, containers }) => containers.map((one) => ({ uid, one })));
    this.endedBefore = new Map(containers.map(({ uid, one }) => [`${uid}/${one.name}`, endsOf(one)]));
    this.leaving = new Set(this.leavingPods().map(({ uid }) => uid));
  }

  /**
   * @param cut asked when something may have come up: whether to stop waiting. `stalled`: no pod became ready for a while
   * @param resends whether what isn't as it was sent is sent again; if not, what is there is judged, whoever made it so
   */
  async wait(watched: Watched[], cut: (stalled: boolean) => Promise<boolean>, resends: boolean): Promise<RolloutEnd> {
    const failed = new Map<string, Trouble>();
    let open = watched;
    let readyPods = -1;
    let readySince = performance.now();
    let last = performance.now();
    const changed = new Wakeup();
    const unsubscribe = this.cache.onChange(this.app.id, () => {
      changed.signal();
    });
    const stopEvents = this.cache.watchEvents(this.app.id);
    try {
      for (;;) {
        this.options.lease.check();
        const now = performance.now();
        const visible = this.cache.fresh();
        if (visible) {
          // nothing brings back by itself what somebody deleted
          if (resends && open.some((one) => this.live(one) === undefined)) {
            this.elapsed = 0;
            return { state: 'strayed' };
          }
          const verdicts = open.map((one) => ({ one, verdict: this.judge(one) }));
          this.count(
            verdicts.map(({ verdict }) => verdict),
            now - last,
          );
          for (const { one, verdict } of verdicts) if (verdict.state === 'failed') failed.set(one.type, verdict.trouble);
          open = verdicts.filter(({ verdict }) => verdict.state === 'progressing').map(({ one }) => one);
          if (open.length === 0 || failed.size > 0) break;
          const late = verdicts.filter(({ one, verdict }) => verdict.state === 'progressing' && this.elapsed > this.limit(one) * 1000);
          if (late.length > 0 && (await this.confirmed(late.map(({ one }) => one)))) {
            for (const { one, verdict } of late) failed.set(one.type, overdue(one, verdict, this.limit(one)));
            break;
          }
          await this.show(verdicts.map(({ verdict }) => this.told(verdict)).find((trouble) => trouble) ?? null);
        } else if (this.cache.warm()) {
          await this.show({ class: 'unreachable', message: this.cache.trouble(), object: null });
        }
        last = now;
        this.options.lease.waited = this.elapsed;
        const ready = this.readyPods();
        if (ready > readyPods) readySince = now;
        readyPods = ready;
        if (await cut(now - readySince >= STALLED)) return { state: 'cut' };
        await changed.within(TICK);
      }
    } finally {
      unsubscribe();
      stopEvents();
    }
    const strayed = watched.some((one) => this.strayed(one));
    // what is sent again is waited for from the beginning
    if (strayed) this.elapsed = 0;
    if (failed.size === 0) return { state: strayed ? 'strayed' : 'done' };
    // what failed isn't what was sent
    if (strayed && resends) return { state: 'strayed' };
    for (const [type, trouble] of failed) failed.set(type, await this.withLog(trouble));
    return { state: 'failed', types: failed };
  }

  /** Whose the time since the last look was. */
  private count(verdicts: Verdict[], milliseconds: number): void {
    const still = verdicts.map((verdict) => (verdict.state === 'progressing' ? verdict.still : undefined));
    if (still.includes('node')) return;
    const waits = still.includes('control-plane');
    this.controlPlane = waits ? this.controlPlane + milliseconds : 0;
    if (!waits || this.controlPlane > CONTROL_PLANE_AWAY) this.elapsed += milliseconds;
  }

  private told(verdict: Verdict): Trouble | null {
    if (verdict.state !== 'progressing') return null;
    return verdict.still === 'control-plane' && this.controlPlane < SLOW_CONTROL_PLANE ? null : verdict.trouble;
  }

  /** Waits until the pods that a smaller scale ended are gone, each for its grace period at the most, unless something urgent comes. */
  async drained(urgent: () => Promise<boolean>): Promise<void> {
    const changed = new Wakeup();
    const unsubscribe = this.cache.onChange(this.app.id, () => {
      changed.signal();
    });
    try {
      while (this.drains()) {
        this.options.lease.check();
        if (await urgent()) return;
        await changed.within(TICK);
      }
    } finally {
      unsubscribe();
    }
  }

  /** Whether pods are on their way out within their grace period, whose end the deletion timestamp is. */
  private drains(): boolean {
    return this.leavingPods().some(({ uid, deleted }) => !this.leaving.has(uid) && Date.parse(deleted ?? '') > Date.now());
  }

  private live({ manifest }: Watched): KubernetesObject | undefined {
    return this.cache.object(DEPLOYMENT.kind, this.app.id, manifest.metadata.name);
  }

  private strayed(one: Watched): boolean {
    const live = this.live(one);
    if (!live) return true;
    const wanted = withLiveReplicas(this.app, one.manifest, live);
    return this.options.spares ? drifted(wanted, live, false).length > 0 : differs(wanted, live);
  }

  private leavingPods(): CachedPod[] {
    return this.cache.podsOf(this.app.id).filter(({ owner, deleted }) => owner !== null && deleted !== null);
  }

  /**
   * Whether the watches have shown the Deployments as they are: one that hangs shows nothing for a while. Throws OutOfReach when the
   * API server can't be asked: then it isn't known that they are late.
   */
  private async confirmed(late: Watched[]): Promise<boolean> {
    // for how long they have shown nothing isn't known, until it is known that they have shown all
    const { elapsed } = this;
    this.elapsed = this.options.lease.waited = 0;
    let current = true;
    for (const { manifest } of late) {
      const { name } = manifest.metadata;
      this.options.lease.check();
      const live = await this.cluster.get(DEPLOYMENT, this.app.id, name);
      const known = this.cache.object(DEPLOYMENT.kind, this.app.id, name);
      current &&= live?.metadata.resourceVersion === known?.metadata.resourceVersion && !(live && allUp(live));
    }
    if (current) this.elapsed = this.options.lease.waited = elapsed;
    return current;
  }

  private judge(one: Watched): Verdict {
    return verdict({
      deployment: this.live(one),
      generation: one.generation,
      replicaSets: this.cache.replicaSetsOf(this.app.id),
      pods: this.cache.podsOf(this.app.id),
      events: this.cache.eventsOf(this.app.id),
      nodes: this.cache.allNodes(),
      now: Date.now(),
      since: this.began,
      endedBefore: this.endedBefore,
    });
  }

  /** Seconds this one may take. */
  private limit({ manifest, type }: Watched): number {
    const spec = manifest.spec as {
      replicas?: number;
      minReadySeconds?: number;
      strategy?: { rollingUpdate?: { maxSurge?: number } };
      template: {
        spec: { containers: { livenessProbe?: { initialDelaySeconds?: number }; readinessProbe?: { initialDelaySeconds?: number } }[] };
      };
    };
    const probes = spec.template.spec.containers.flatMap(({ livenessProbe, readinessProbe }) => [livenessProbe, readinessProbe]);
    // a probe of the platform's own that names no delay has none
    const { healthcheck } = this.app.release.config;
    const own = type in healthcheck || ((type === 'web' || type === 'cmd') && 'web/cmd' in healthcheck);
    this.extendForPull();
    const live = this.cache.object(DEPLOYMENT.kind, this.app.id, manifest.metadata.name)?.spec as { replicas?: number } | undefined;
    const seconds = deadline({
      timeout: this.options.timeout,
      // an autoscaler may have made more of them
      replicas: Math.max(spec.replicas ?? 1, live?.replicas ?? 0),
      steps: spec.strategy?.rollingUpdate?.maxSurge ?? 1,
      probeDelays: probes.filter((probe) => probe !== undefined).map((probe) => probe.initialDelaySeconds ?? (own ? undefined : 0)),
      minReady: spec.minReadySeconds ?? 0,
    });
    return seconds + this.extension / 1000;
  }

  private extendForPull(): void {
    if (this.extension > 0 || performance.now() - this.started < SLOW_PULL) return;
    const pods = new Map(this.cache.podsOf(this.app.id).map((pod) => [pod.uid, pod]));
    const newest = new Map<string, { reason: string; last: string }>();
    for (const event of this.cache.eventsOf(this.app.id)) {
      const before = newest.get(event.uid);
      if (pods.has(event.uid) && (!before || before.last <= event.last)) newest.set(event.uid, event);
    }
    const pulling = [...newest.values()].some(({ reason, last }) => reason === 'Pulling' && Date.now() - Date.parse(last) > SLOW_PULL);
    if (pulling) this.extension = MORE_FOR_PULL;
  }

  private readyPods(): number {
    return this.cache
      .podsOf(this.app.id)
      .filter((pod) => pod.deleted === null && pod.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')).length;
  }

  private async show(trouble: Trouble | null): Promise<void> {
    if ((trouble?.message ?? null) === this.shown) return;
    this.shown = trouble?.message ?? null;
    await this.options.show(trouble);
  }

  /** Adds the last lines that the process printed. What it printed may hold secrets that the config has. */
  private async withLog(trouble: Trouble): Promise<Trouble> {
    let { message } = trouble;
    if (trouble.log) {
      const { pod, container, previous } = trouble.log;
      this.options.lease.check();
      // the log is a help, not the verdict: a pod that is gone by now has none
      const text = await this.cluster
        .podLog(this.app.id, pod, { container, previous, tailLines: LOG_LINES, limitBytes: LOG_BYTES })
        .catch(() => '');
      if (text.trim() !== '') message += `; the last it printed:\n${text.trimEnd()}`;
    }
    return { ...trouble, message: mask(message, this.app.release.config.values) };
  }
}

function overdue(one: Watched, verdict: Verdict, seconds: number): Trouble {
  const known = verdict.state === 'progressing' ? verdict.trouble : null;
  const late = `${one.type} did not become ready within ${String(Math.round(seconds))} seconds`;
  return known
    ? { ...known, message: `${late}: ${known.message}` }
    : { class: 'deadline', message: late, object: `Deployment/${one.manifest.metadata.name}` };
}
