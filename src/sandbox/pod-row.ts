import type { IPod } from 'kubernetes-models/v1';

export type ListedPod = Pick<IPod, 'metadata' | 'spec' | 'status'>;

type ContainerStatus = NonNullable<NonNullable<IPod['status']>['containerStatuses']>[number];

/** A pod in a word, as `kubectl get pods` shows it. */
export function podRow({ metadata, spec, status }: ListedPod): { ready: number; containers: number; reason: string; restarts: number } {
  const statuses = status?.containerStatuses ?? [];
  const initReason = initializing(spec, status);
  const running = statuses.some(({ ready, state }) => ready && state?.running);
  const stuck = statuses.map(reasonOf).find((reason) => reason !== undefined);
  const counted = initReason === undefined ? statuses : (status?.initContainerStatuses ?? []);
  let reason = initReason ?? stuck ?? status?.reason ?? status?.phase ?? '';
  if (initReason === undefined && reason === 'Completed' && running) {
    reason = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ? 'Running' : 'NotReady';
  }
  if (metadata?.deletionTimestamp) reason = status?.reason === 'NodeLost' ? 'Unknown' : 'Terminating';
  return {
    ready: statuses.filter(({ ready, state }) => ready && state?.running).length,
    containers: spec?.containers.length ?? 0,
    reason,
    restarts: counted.reduce((sum, { restartCount }) => sum + restartCount, 0),
  };
}

/** Why a container doesn't run; undefined for one that does. */
function reasonOf({ state }: ContainerStatus): string | undefined {
  if (state?.waiting?.reason) return state.waiting.reason;
  return state?.terminated ? endOf(state.terminated) : undefined;
}

function endOf({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  return reason ?? (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

/** How far the init containers are, as long as one has still to end well. */
function initializing(spec: ListedPod['spec'], status: ListedPod['status']): string | undefined {
  const statuses = status?.initContainerStatuses ?? [];
  const at = statuses.findIndex(({ state }) => state?.terminated?.exitCode !== 0);
  const container = statuses[at];
  if (!container) return undefined;
  const { terminated, waiting } = container.state ?? {};
  if (terminated) return `Init:${endOf(terminated)}`;
  if (waiting?.reason && waiting.reason !== 'PodInitializing') return `Init:${waiting.reason}`;
  return `Init:${at}/${spec?.initContainers?.length ?? 0}`;
}
