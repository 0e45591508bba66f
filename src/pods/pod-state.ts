import type { CachedPod } from '../kubernetes/cached-objects.ts';
import type { CachedEvent } from '../kubernetes/cluster-cache.ts';

/**
 * The state of a pod in the platform's words (§9.3): `initializing`, `creating`, `starting`, `up`, `terminating`, `down`, `crashed`,
 * `error`; while it waits for something, the reason that Kubernetes gives, as it is.
 * @param container the name of the container that is looked at
 * @param events those that are known of the namespace
 */
export function podState(pod: CachedPod, container: string, events: readonly CachedEvent[]): string {
  const status = pod.containers.find(({ name }) => name === container);
  switch (pod.phase) {
    case 'Pending':
    case 'ContainerCreating':
      return pendingState(status?.state?.waiting?.reason, () => newestEvent(pod, events)?.reason);
    case 'Running':
      if (pod.deleted !== null) return 'terminating';
      if (!status) return 'error';
      if (status.ready) return 'up';
      if (status.state?.running) return 'starting';
      if (status.state?.terminated) return 'terminating';
      return status.state?.waiting?.reason === 'CrashLoopBackOff' ? 'crashed' : 'error';
    case 'Succeeded':
      return 'down';
    case 'Failed':
      return 'crashed';
    default:
      return 'error';
  }
}

function pendingState(reason: string | undefined, lastEvent: () => string | undefined): string {
  if (reason === undefined) return 'initializing';
  return reason === 'ContainerCreating' ? (lastEvent() ?? 'creating') : reason;
}

function newestEvent({ uid }: CachedPod, events: readonly CachedEvent[]): CachedEvent | undefined {
  return events
    .filter((event) => event.uid === uid)
    .reduce<CachedEvent | undefined>((best, event) => (best && best.last > event.last ? best : event), undefined);
}
