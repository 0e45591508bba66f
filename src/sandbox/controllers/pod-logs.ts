import { ApiError, badRequest, invalid, notFound, type FieldFault } from '../api-error.ts';
import { forbiddenField, invalidValue } from '../field-faults.ts';
import { resourceOf } from '../resources.ts';
import type { Store } from '../store.ts';
import { containerName } from './container-name.ts';
import type { ContainerStatus, Pod } from './objects.ts';

export interface LogOptions {
  /** Goes on with what the container prints, until it ends. */
  follow?: boolean;
  tailLines?: number;
  /** RFC 3339. */
  sinceTime?: string;
  sinceSeconds?: number;
  /** Puts the time, RFC 3339 with nanoseconds, before each line. */
  timestamps?: boolean;
  /** Of the container's former run. */
  previous?: boolean;
  limitBytes?: number;
}

interface Line {
  /** Nanoseconds since 1970: no two lines of a log have the same. */
  at: bigint;
  /** With its line feed, if it has one. */
  text: string;
}

/** As much of a container's log as the kubelet keeps: older lines are rotated away. */
const keptBytes = 10 * 1024 * 1024;

/** What one run of a container printed. */
export class ContainerLog {
  private readonly lines: Line[] = [];
  private readonly listeners = new Set<() => void>();
  private bytes = 0;
  /** How many lines were rotated away. */
  private dropped = 0;
  private closed = false;
  private rotations = 0;

  append(text: string): void {
    for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
      this.lines.push({ at: nanoseconds(), text: line });
      this.bytes += Buffer.byteLength(line);
    }
    while (this.bytes > keptBytes) {
      this.bytes -= Buffer.byteLength(this.lines.shift()?.text ?? '');
      this.dropped += 1;
    }
    this.tell();
  }

  /** What was printed so far is gone, and whoever follows is cut off, as by a kubelet that has lost the file's end. */
  rotate(): void {
    this.dropped += this.lines.length;
    this.lines.length = 0;
    this.bytes = 0;
    this.rotations += 1;
    this.tell();
  }

  /** Ends whoever follows. */
  close(): void {
    this.closed = true;
    this.tell();
  }

  /** Throws ApiError 400 for a time that isn't one. */
  read(options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
    return this.since(sinceOf(options), options, signal);
  }

  private async *since(since: bigint, options: LogOptions, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    let left = options.limitBytes ?? Infinity;
    const { rotations } = this;
    const fitting = this.lines.filter(({ at }) => at >= since);
    const tail = options.tailLines === undefined ? fitting : fitting.slice(Math.max(0, fitting.length - options.tailLines));
    let next = this.dropped + this.lines.length;
    let lines = tail;
    for (;;) {
      const text = lines.map((line) => (options.timestamps ? `${rfc3339(line.at)} ${line.text}` : line.text)).join('');
      const cut = Buffer.byteLength(text) > left ? Buffer.from(text).subarray(0, left).toString() : text;
      if (cut) yield cut;
      left -= Buffer.byteLength(cut);
      if (left <= 0) return;
      while (next >= this.dropped + this.lines.length) {
        if (!options.follow || this.closed || signal.aborted || this.rotations > rotations) return;
        await this.change(signal);
      }
      lines = this.lines.slice(Math.max(0, next - this.dropped));
      next = this.dropped + this.lines.length;
    }
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.listeners.add(done);
      signal.addEventListener('abort', done);
    });
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** The logs of the containers that the kubelet has, by container id; and the pod's log subresource over them. */
export class PodLogs {
  private readonly logs = new Map<string, ContainerLog>();

  /** @param isAway whether the kubelet of a node doesn't run */
  constructor(
    private readonly store: Store,
    private readonly isAway: (node: string) => boolean = () => false,
  ) {}

  start(containerID: string): ContainerLog {
    const log = new ContainerLog();
    this.logs.set(containerID, log);
    return log;
  }

  /** The container is gone from its node, and its log with it. */
  remove(containerID: string): void {
    this.logs.get(containerID)?.close();
    this.logs.delete(containerID);
  }

  /** Rotates the log of the container's present run. Throws ApiError 404 and 400 as for reading it. */
  rotate(namespace: string, podName: string, container: string | undefined): void {
    const pod = this.store.get<Pod>('pods', namespace, podName);
    if (!pod) throw notFound(resourceOf('pods'), podName);
    const name = containerName(pod, container);
    const id = pod.status?.containerStatuses?.find((each) => each.name === name)?.containerID;
    this.logs.get(id ?? '')?.rotate();
  }

  /**
   * The text of a container's log, in pieces. Throws ApiError with Kubernetes' words: 404 without such a pod, 400 without such a
   * container or as long as it has no log, 422 for options that mean nothing. Undefined for a pod that no node has: there is no content.
   */
  open(
    namespace: string,
    podName: string,
    container: string | undefined,
    options: LogOptions,
    signal: AbortSignal,
  ): AsyncIterable<string> | undefined {
    expectSense(podName, options);
    const pod = this.store.get<Pod>('pods', namespace, podName);
    if (!pod) throw notFound(resourceOf('pods'), podName);
    const name = containerName(pod, container);
    if (!pod.spec.nodeName) return undefined;
    if (this.isAway(pod.spec.nodeName)) throw unreachable(pod, name);
    const status = pod.status?.containerStatuses?.find((each) => each.name === name);
    if (!status) throw badRequest(`container "${name}" in pod "${podName}" is not available`);
    const log = this.logs.get(logged(status, podName, options.previous ?? false));
    return log ? log.read(options, signal) : nothing();
  }
}

/** The API server's words when it can't ask the kubelet, which has the log. */
function unreachable({ metadata, status }: Pod, container: string): ApiError {
  const address = `${status?.hostIP ?? ''}:10250`;
  const url = `https://${address}/containerLogs/${metadata.namespace ?? ''}/${metadata.name}/${container}`;
  return new ApiError(500, '', `Get "${url}": dial tcp ${address}: connect: connection refused`);
}

async function* nothing(): AsyncGenerator<string> {
  // An empty log.
}

/** The id of the container whose log is meant, by the kubelet's rules. */
function logged({ name, containerID, state, lastState }: ContainerStatus, pod: string, previous: boolean): string {
  const last = lastState?.terminated?.containerID;
  if (previous) {
    if (!last) throw badRequest(`previous terminated container "${name}" in pod "${pod}" not found`);
    return last;
  }
  const found = (state?.running ? containerID : state?.terminated?.containerID) ?? last;
  if (found) return found;
  const reason = state?.waiting?.reason;
  const words: Record<string, string> = {
    ErrImagePull: "image can't be pulled",
    ImagePullBackOff: 'trying and failing to pull image',
  };
  throw badRequest(`container "${name}" in pod "${pod}" is waiting to start: ${words[reason ?? ''] ?? reason ?? ''}`);
}

/** Throws ApiError 422, as Kubernetes validates PodLogOptions. */
function expectSense(pod: string, { tailLines, limitBytes, sinceSeconds, sinceTime }: LogOptions): void {
  const faults: FieldFault[] = [];
  if (tailLines !== undefined && tailLines < 0) faults.push(invalidValue('tailLines', tailLines, 'must be greater than or equal to 0'));
  if (limitBytes !== undefined && limitBytes < 1) faults.push(invalidValue('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    faults.push(forbiddenField('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    faults.push(invalidValue('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  if (faults.length) throw invalid('PodLogOptions', '', pod, faults);
}

function sinceOf({ sinceTime, sinceSeconds }: LogOptions): bigint {
  if (sinceTime !== undefined) return fromRfc3339(sinceTime);
  if (sinceSeconds !== undefined) return BigInt(Date.now() - sinceSeconds * 1000) * 1_000_000n;
  return 0n;
}

let latest = 0n;

/** The time, a little later than the one told before. */
function nanoseconds(): bigint {
  const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  latest = now > latest ? now : latest + 1n;
  return latest;
}

const rfc3339 = (at: bigint): string =>
  `${new Date(Number(at / 1_000_000_000n) * 1000).toISOString().slice(0, 19)}.${String(at % 1_000_000_000n).padStart(9, '0')}Z`;

/** In nanoseconds; on its way to the kubelet the time loses its fraction of a second. */
function fromRfc3339(text: string): bigint {
  const milliseconds = Date.parse(text.replace(/\.\d+/, ''));
  if (Number.isNaN(milliseconds)) {
    throw badRequest(`parsing time "${text}" as "2006-01-02T15:04:05Z07:00": cannot parse "${text}" as "2006"`);
  }
  return BigInt(milliseconds) * 1_000_000n;
}
