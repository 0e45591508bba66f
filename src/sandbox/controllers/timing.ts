/**
 * How long the sandbox's cluster takes for what a real one does, in milliseconds. Short, so that nobody waits for a laptop's cluster,
 * but not zero: whoever watches sees each state.
 */
export const timing = {
  /** From a pod's creation to its binding. */
  schedule: 10,
  /** From the binding to the first status that the kubelet writes. */
  admit: 20,
  pullImage: 120,
  /** Until a registry says that there is no such image. */
  refuseImage: 80,
  createContainer: 30,
  startContainer: 30,
  /** From a process's start to its first log line and its listening port. */
  listen: 20,
  /** The same for an image named `…slow`, if its environment doesn't say `DELAY` (seconds). */
  listenSlowly: 3_000,
  /** How long an image named `…oom` runs before the kernel ends it. */
  runOutOfMemory: 200,
  /** From SIGTERM to a server's end. */
  stop: 150,
  /** From an end to the restart that comes without back-off. */
  restart: 100,
  /** What a probe's command gets beyond its own time, because a virtual shell takes longer to start than a process. */
  shellStart: 2_000,
  /** Between the end of a pod's last container and the removal of the pod. */
  cleanUp: 20,
  /** How often the kubelet says BackOff while a container waits: as the real one's sync period, scaled down. */
  syncPeriod: 1_000,
  /** Kubernetes waits 10 s, 20 s, 40 s … up to 5 min, and says so in its messages; the sandbox waits that time by this factor. */
  backOffFactor: 0.1,
  /** From a kubelet's last word to its node being Unknown: 40 s in Kubernetes. */
  nodeGrace: 4_000,
  /** A pod's time on a lost node, 5 min unless it says otherwise, is scaled down by this. */
  tolerationFactor: 0.1,
  /** After a failed reconciliation: doubled each time, up to the greatest. */
  retry: { first: 20, greatest: 60_000 },
} as const;

/** Kubernetes' own back-off for crashing containers and failing pulls: seconds before attempt `count` (0 for the first that has to wait). */
export const backOffSeconds = (count: number): number => Math.min(300, 10 * 2 ** count);
