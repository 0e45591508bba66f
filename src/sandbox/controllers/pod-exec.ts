import { ApiError, badRequest, notFound } from '../api-error.ts';
import { resourceOf } from '../resources.ts';
import type { Store } from '../store.ts';
import { containerEnv } from './container-env.ts';
import { containerName } from './container-name.ts';
import { hasEnded, type Pod } from './objects.ts';
import { runInShell, type ShellResult } from './virtual-shell.ts';

export interface ExecRequest {
  namespace: string;
  pod: string;
  /** May be left out for a pod of one container. */
  container?: string;
  command: string[];
}

/** Runs the command to its end, or until the signal. */
export type Execution = (stdin: string | undefined, signal: AbortSignal) => Promise<ShellResult>;

/** Commands in running containers: in a virtual shell with the container's environment, and files of their own. */
export class PodExec {
  constructor(private readonly store: Store) {}

  /** The command, ready to run. Throws ApiError: 404 without such a pod or while the container doesn't run, 400 for a pod that can't be entered. */
  prepare({ namespace, pod: podName, container, command }: ExecRequest): Execution {
    const pod = this.store.get<Pod>('pods', namespace, podName);
    if (!pod) throw notFound(resourceOf('pods'), podName);
    const name = containerName(pod, container);
    if (!pod.spec.nodeName) throw badRequest(`pod ${podName} does not have a host assigned`);
    const { phase, hostIP = '', podIP = '', containerStatuses = [] } = pod.status ?? {};
    if (hasEnded(pod)) throw badRequest(`cannot exec into a container in a completed pod; current phase is ${phase ?? ''}`);
    const spec = pod.spec.containers.find((each) => each.name === name);
    if (!spec || !containerStatuses.some((each) => each.name === name && each.state?.running)) {
      throw new ApiError(404, 'NotFound', `container not found ("${name}")`);
    }
    const env = containerEnv(this.store, pod, spec, { podIP, hostIP });
    return (stdin, signal) => runInShell({ argv: command, env, stdin }, signal);
  }
}
