import type { Store } from '../store.ts';
import { DeploymentController } from './deployment-controller.ts';
import { EndpointsController } from './endpoints-controller.ts';
import { EventRecorder } from './event-recorder.ts';
import { Kubelet } from './kubelet.ts';
import { NodeLifecycle } from './node-lifecycle.ts';
import { PodExec } from './pod-exec.ts';
import { PodLogs } from './pod-logs.ts';
import { ReplicaSetController } from './replica-set-controller.ts';
import { Scheduler } from './scheduler.ts';

export interface Controllers {
  readonly logs: PodLogs;
  readonly exec: PodExec;
  readonly nodes: NodeLifecycle;
  /** Ends every process; no timer and no thread is left. */
  stop(): void;
}

/** What makes the stored objects a cluster: Deployments become ReplicaSets, ReplicaSets pods, and pods run. */
export function startControllers(store: Store): Controllers {
  const events = new EventRecorder(store);
  const logs: PodLogs = new PodLogs(store, (node) => kubelet.isOffOn(node));
  const kubelet: Kubelet = new Kubelet(store, events, logs);
  const nodes = new NodeLifecycle(store, events, kubelet);
  const parts = [
    kubelet,
    nodes,
    new Scheduler(store, events),
    new ReplicaSetController(store, events),
    new DeploymentController(store, events),
    new EndpointsController(store),
  ];
  return {
    logs,
    nodes,
    exec: new PodExec(store),
    stop: () => {
      for (const part of parts) part.stop();
    },
  };
}
