import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { timestamp } from '../stored-object.ts';
import { argvOf, ContainerConfigError } from './container-env.ts';
import { ContainerProcess } from './container-process.ts';
import { behaviourOf, fullReference, isUnreachable, programOf, referenceFault, registryOf, type Program } from './image-behaviour.ts';
import type { Container, ContainerStatus } from './objects.ts';
import type { ContainerLog } from './pod-logs.ts';
import { probeUntilSuccess, type Probe } from './probes.ts';
import { reportUnexpected } from './report-unexpected.ts';
import { backOffSeconds, timing } from './timing.ts';

/** What a container needs of its pod and its node. */
export interface ContainerHost {
  readonly restartPolicy: string;
  /** As messages name the pod: `web-1_demo(0d9c…)`. */
  readonly fullName: string;
  readonly podIP: string;
  /** The images that the node has. */
  readonly images: Set<string>;
  /** Throws ContainerConfigError. */
  env(container: Container): Record<string, string>;
  /** Settled when a Secret or ConfigMap of the namespace has changed. */
  configChange(signal: AbortSignal): Promise<void>;
  openLog(containerID: string): ContainerLog;
  dropLog(containerID: string): void;
  event(type: 'Normal' | 'Warning', reason: string, message: string, container: Container): void;
  /** The container's status has changed. */
  changed(): void;
}

type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

/** One container's life on its node: pulled, created, started, probed, restarted, ended. */
export class ContainerWorker {
  status: ContainerStatus;
  private readonly stopping = new AbortController();
  private process?: ContainerProcess;
  private backOffs = 0;
  private formerID?: string;

  constructor(
    private readonly host: ContainerHost,
    private readonly container: Container,
  ) {
    this.status = {
      name: container.name,
      image: container.image ?? '',
      imageID: '',
      ready: false,
      started: false,
      restartCount: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: {},
    };
  }

  /** Until the container has ended for good, or was stopped. */
  async run(): Promise<void> {
    const { signal } = this.stopping;
    try {
      for (;;) {
        await this.pull(signal);
        const env = await this.configure(signal);
        const end = await this.runOnce(env, signal);
        const again = this.host.restartPolicy === 'Always' || (this.host.restartPolicy === 'OnFailure' && end.exitCode !== 0);
        if (!again || signal.aborted) return;
        await this.backOff(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** SIGTERM, and SIGKILL after `graceSeconds`; nothing more is started. The end comes by `run`. */
  stop(graceSeconds: number): void {
    this.stopping.abort();
    if (!this.process) return;
    if (graceSeconds > 0) this.process.terminate(graceSeconds * 1000);
    else this.process.kill();
  }

  /** The pod is gone: nothing is left of the container. */
  discard(): void {
    this.stop(0);
    for (const id of [this.formerID, this.status.containerID]) if (id) this.host.dropLog(id);
  }

  private set(change: Partial<ContainerStatus>): void {
    this.status = { ...this.status, ...change };
    this.host.changed();
  }

  private wait(reason: string, message?: string): void {
    this.set({ ready: false, started: false, state: { waiting: { reason, message } } });
  }

  private async pull(signal: AbortSignal): Promise<void> {
    const { container, host } = this;
    const image = container.image ?? '';
    const fault = referenceFault(image);
    if (fault !== undefined) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image reference "${image}": ${fault}`;
      host.event('Warning', 'InspectFailed', message, container);
      host.event('Warning', 'Failed', 'Error: InvalidImageName', container);
      this.wait('InvalidImageName', message);
      await forever(signal);
    }
    if (container.imagePullPolicy !== 'Always' && host.images.has(image)) {
      host.event('Normal', 'Pulled', `Container image "${image}" already present on machine`, container);
      return;
    }
    if (container.imagePullPolicy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      host.event('Warning', 'ErrImageNeverPull', message, container);
      host.event('Warning', 'Failed', 'Error: ErrImageNeverPull', container);
      this.wait('ErrImageNeverPull', message);
      await forever(signal);
    }
    for (let attempt = 0; ; attempt++) {
      const began = performance.now();
      host.event('Normal', 'Pulling', `Pulling image "${image}"`, container);
      const refusal = pullRefusal(image);
      await pause(refusal ? timing.refuseImage : timing.pullImage, undefined, { signal });
      if (!refusal) {
        const took = ((performance.now() - began) / 1000).toFixed(9);
        host.event('Normal', 'Pulled', `Successfully pulled image "${image}" in ${took}s`, container);
        host.images.add(image);
        return;
      }
      host.event('Warning', 'Failed', `Failed to pull image "${image}": ${refusal}`, container);
      host.event('Warning', 'Failed', 'Error: ErrImagePull', container);
      this.wait('ErrImagePull', refusal);
      await pause(timing.syncPeriod, undefined, { signal });
      const message = `Back-off pulling image "${image}"`;
      host.event('Normal', 'BackOff', message, container);
      host.event('Warning', 'Failed', 'Error: ImagePullBackOff', container);
      this.wait('ImagePullBackOff', message);
      await pause(backOffSeconds(attempt) * 1000 * timing.backOffFactor, undefined, { signal });
    }
  }

  private async configure(signal: AbortSignal): Promise<Record<string, string>> {
    for (;;) {
      try {
        return this.host.env(this.container);
      } catch (error) {
        if (!(error instanceof ContainerConfigError)) throw error;
        this.host.event('Warning', 'Failed', `Error: ${error.message}`, this.container);
        this.wait('CreateContainerConfigError', error.message);
        await this.host.configChange(signal);
      }
    }
  }

  private async runOnce(env: Record<string, string>, signal: AbortSignal): Promise<Terminated> {
    const { container, host } = this;
    const image = container.image ?? '';
    const containerID = `containerd://${randomBytes(32).toString('hex')}`;
    await pause(timing.createContainer, undefined, { signal });
    host.event('Normal', 'Created', `Created container ${container.name}`, container);
    await pause(timing.startContainer, undefined, { signal });

    const log = host.openLog(containerID);
    if (this.formerID) host.dropLog(this.formerID);
    this.formerID = this.status.containerID;
    const program = programOf(image, argvOf(container, env), env, host.restartPolicy);
    const process = new ContainerProcess(program, env, (text) => {
      log.append(text);
    });
    this.process = process;
    host.event('Normal', 'Started', `Started container ${container.name}`, container);
    const startedAt = timestamp();
    this.status = { ...this.status, containerID, image: fullReference(image), imageID: imageID(image) };
    const over = new AbortController();
    if (!endsUnseen(program)) {
      this.set({
        state: { running: { startedAt } },
        started: !container.startupProbe,
        ready: !container.startupProbe && !container.readinessProbe,
      });
      this.probe(process, env, AbortSignal.any([signal, over.signal])).catch((error: unknown) => {
        if (!signal.aborted && !over.signal.aborted) reportUnexpected(error);
      });
    }

    const end = await process.ended;
    over.abort();
    log.close();
    this.process = undefined;
    const terminated: Terminated = {
      exitCode: end.exitCode,
      reason: end.reason ?? (end.exitCode === 0 ? 'Completed' : 'Error'),
      startedAt,
      finishedAt: timestamp(),
      containerID,
    };
    this.set({ ready: false, started: false, state: { terminated } });
    return terminated;
  }

  private async probe(process: ContainerProcess, env: Record<string, string>, signal: AbortSignal): Promise<void> {
    const { container } = this;
    const probed = { process, container, env, podIP: this.host.podIP };
    const run = (probe: Probe, name: string, tooOften: () => void): Promise<void> =>
      probeUntilSuccess(
        probe,
        probed,
        (fault, often) => {
          this.host.event('Warning', 'Unhealthy', `${name} probe failed: ${fault}`, container);
          if (often) tooOften();
        },
        signal,
      );
    const killed = (name: string) => (): void => {
      this.host.event('Normal', 'Killing', `Container ${container.name} failed ${name} probe, will be restarted`, container);
      process.terminate(30_000);
    };
    if (container.startupProbe) {
      await run(container.startupProbe, 'Startup', killed('startup'));
      this.set({ started: true, ready: !container.readinessProbe });
    }
    const { livenessProbe, readinessProbe } = container;
    await Promise.all([
      livenessProbe && run(livenessProbe, 'Liveness', killed('liveness')),
      readinessProbe &&
        run(readinessProbe, 'Readiness', () => undefined).then(() => {
          this.set({ ready: true });
        }),
    ]);
  }

  /** The first restart comes at once, each later one after twice the time. */
  private async backOff(signal: AbortSignal): Promise<void> {
    const { container, host } = this;
    await pause(timing.restart, undefined, { signal });
    const lastState = this.status.state;
    if (this.backOffs > 0) {
      const seconds = backOffSeconds(this.backOffs - 1);
      const said = seconds < 60 ? `${seconds}s` : `${String(Math.floor(seconds / 60))}m${seconds % 60}s`;
      const message = `back-off ${said} restarting failed container=${container.name} pod=${host.fullName}`;
      host.event('Warning', 'BackOff', 'Back-off restarting failed container', container);
      this.set({ ready: false, lastState, state: { waiting: { reason: 'CrashLoopBackOff', message } } });
      await pause(seconds * 1000 * timing.backOffFactor, undefined, { signal });
    }
    this.backOffs += 1;
    this.status = { ...this.status, lastState, restartCount: this.status.restartCount + 1 };
  }
}

/**
 * The kubelet looks at its containers once a second: one that has ended by then was never seen running, so it was never ready. Were it shown
 * running for a moment here, a roll-out of a crashing image would be taken for complete.
 */
const endsUnseen = (program: Program): boolean => program.kind === 'end' || (program.kind === 'script' && program.brief);

const forever = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });

/** containerd's words for an image that the registry doesn't give. */
function pullRefusal(image: string): string | undefined {
  const behaviour = behaviourOf(image);
  const full = fullReference(image);
  const failed = `failed to pull and unpack image "${full}": failed to resolve reference "${full}"`;
  if (isUnreachable(image)) {
    const host = registryOf(full);
    const [, path = '', tag = ''] = /^[^/]*\/(.*?)[:@]([^/]*)$/.exec(full) ?? [];
    const request = `Head "https://${host}/v2/${path}/manifests/${tag}"`;
    return `rpc error: code = Unknown desc = ${failed}: failed to do request: ${request}: dial tcp: lookup ${host.replace(/:.*/, '')}: no such host`;
  }
  if (behaviour === 'missing') return `rpc error: code = NotFound desc = ${failed}: ${full}: not found`;
  const denied =
    'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed';
  if (behaviour === 'denied') return `rpc error: code = Unknown desc = ${failed}: ${denied}`;
  return undefined;
}

const imageID = (image: string): string =>
  `${fullReference(image).replace(/(:[^/:]*|@.*)$/, '')}@sha256:${createHash('sha256').update(image).digest('hex')}`;
