import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../store.ts';
import { timestamp } from '../stored-object.ts';
import { containerEnv } from './container-env.ts';
import { ContainerWorker, type ContainerHost } from './container-worker.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { KubeletSwitch } from './kubelet-switch.ts';
import type { Pod } from './objects.ts';
import type { PodLogs } from './pod-logs.ts';
import { podStatusOf } from './pod-status.ts';
import { timing } from './timing.ts';

/** What a pod uses of its node. */
export interface PodNode {
  readonly hostIP: string;
  readonly podIP: string;
  readonly images: Set<string>;
  readonly kubelet: KubeletSwitch;
}

/** One pod's life on its node, from its binding to its removal. */
export class PodWorker {
  private readonly gone = new AbortController();
  private readonly startTime = timestamp();
  private readonly containers: ContainerWorker[];
  private readonly configListeners = new Set<() => void>();
  private deadline?: NodeJS.Timeout;
  private hasNetwork = false;
  private terminating = false;
  private ended?: { reason: string; message: string };
  private finished: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly events: EventRecorder,
    private readonly logs: PodLogs,
    private readonly node: PodNode,
    private readonly pod: Pod,
  ) {
    const host = this.host();
    this.containers = pod.spec.containers.map((container) => new ContainerWorker(host, container));
  }

  async run(): Promise<void> {
    const { signal } = this.gone;
    try {
      await pause(timing.admit, undefined, { signal });
      if (this.terminating) return;
      this.publish();
      this.watchDeadline();
      if (!(await this.mountVolumes(signal))) return;
      this.hasNetwork = true;
      this.finished = Promise.all(this.containers.map((container) => container.run()));
      await this.finished;
      clearTimeout(this.deadline);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** The pod is to be deleted: its containers get a SIGTERM and its grace period, then it is removed. */
  async terminate(graceSeconds: number): Promise<void> {
    const { signal } = this.gone;
    try {
      this.stopContainers(graceSeconds);
      if (this.terminating) return;
      this.terminating = true;
      await this.finished;
      await this.node.kubelet.runs();
      this.publish();
      await pause(timing.cleanUp, undefined, { signal });
      await this.node.kubelet.runs();
      this.store.remove('pods', this.pod.metadata.namespace, this.pod.metadata.name);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** The pod is gone from the API, whatever it did: so are its containers. */
  discard(): void {
    this.gone.abort();
    clearTimeout(this.deadline);
    for (const container of this.containers) container.discard();
    this.configChanged();
  }

  /** A Secret or ConfigMap of the pod's namespace has changed. */
  configChanged(): void {
    for (const listener of [...this.configListeners]) listener();
  }

  private stopContainers(graceSeconds: number): void {
    for (const container of this.containers) {
      if (container.status.state?.running && !this.terminating)
        this.event('Normal', 'Killing', `Stopping container ${container.status.name}`, container.status.name);
      container.stop(graceSeconds);
    }
  }

  private host(): ContainerHost {
    const { pod, node, store, logs } = this;
    const { name, namespace, uid } = pod.metadata;
    return {
      restartPolicy: pod.spec.restartPolicy ?? 'Always',
      fullName: `${name}_${namespace ?? ''}(${uid})`,
      podIP: node.podIP,
      images: node.images,
      env: (container) => containerEnv(store, pod, container, node),
      configChange: (signal) => this.configChange(signal),
      openLog: (containerID) => logs.start(containerID),
      dropLog: (containerID) => {
        logs.remove(containerID);
      },
      event: (type, reason, message, container) => {
        this.event(type, reason, message, container.name);
      },
      changed: () => {
        this.publish();
      },
    };
  }

  private event(type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    if (this.node.kubelet.isOff) return;
    const fieldPath = container === undefined ? undefined : `spec.containers{${container}}`;
    this.events.record({ component: 'kubelet', host: this.pod.spec.nodeName }, this.pod, { type, reason, message, fieldPath });
  }

  private current(): Pod | undefined {
    const { namespace, name, uid } = this.pod.metadata;
    const pod = this.store.get<Pod>('pods', namespace, name);
    return pod?.metadata.uid === uid ? pod : undefined;
  }

  /** Writes the pod's status, as long as there is a pod and a kubelet. */
  publish(): void {
    const pod = this.current();
    if (!pod || this.node.kubelet.isOff || this.gone.signal.aborted) return;
    const status = podStatusOf(pod, {
      containers: this.containers.map((container) => container.status),
      startTime: this.startTime,
      hostIP: this.node.hostIP,
      podIP: this.hasNetwork ? this.node.podIP : undefined,
      ended: this.ended,
    });
    this.store.update('pods', { ...pod, status }, { manager: 'kubelet', subresource: 'status' });
  }

  private watchDeadline(): void {
    const seconds = this.pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return;
    this.deadline = setTimeout(() => {
      const message = 'Pod was active on the node longer than the specified deadline';
      this.event('Normal', 'DeadlineExceeded', message);
      this.ended = { reason: 'DeadlineExceeded', message };
      this.stopContainers(this.pod.spec.terminationGracePeriodSeconds ?? 30);
      this.publish();
    }, seconds * 1000);
  }

  /** Volumes of Secrets and ConfigMaps have to be there; any other kind is. False if the pod came to its end meanwhile. */
  private async mountVolumes(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const faults = (this.pod.spec.volumes ?? []).flatMap((volume) => this.faultOf(volume));
      if (this.terminating || this.ended) return false;
      if (faults.length === 0) return true;
      for (const fault of faults) this.event('Warning', 'FailedMount', fault);
      await this.configChange(signal);
    }
  }

  private faultOf({ name, secret, configMap }: NonNullable<Pod['spec']['volumes']>[number]): string[] {
    const { namespace } = this.pod.metadata;
    const failed = `MountVolume.SetUp failed for volume "${name}" : `;
    if (secret?.secretName && !secret.optional && !this.store.get('secrets', namespace, secret.secretName)) {
      return [`${failed}secret "${secret.secretName}" not found`];
    }
    if (configMap?.name && !configMap.optional && !this.store.get('configmaps', namespace, configMap.name)) {
      return [`${failed}configmap "${configMap.name}" not found`];
    }
    return [];
  }

  private configChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.configListeners.delete(settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason as Error);
        else resolve();
      };
      this.configListeners.add(settle);
      signal.addEventListener('abort', settle);
    });
  }
}
