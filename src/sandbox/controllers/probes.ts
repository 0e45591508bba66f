import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerProcess } from './container-process.ts';
import type { Container } from './objects.ts';
import { timing } from './timing.ts';
import { runInShell } from './virtual-shell.ts';

export type Probe = NonNullable<Container['readinessProbe']>;

interface Probed {
  process: ContainerProcess;
  container: Container;
  env: Record<string, string>;
  podIP: string;
}

/**
 * Probes until the probe has succeeded `successThreshold` times in a row: in the sandbox what answers goes on answering, as long as the
 * process is there. `failed` hears of each fault, and whether `failureThreshold` of them came in a row. Rejected when the signal ends it.
 */
export async function probeUntilSuccess(
  probe: Probe,
  probed: Probed,
  failed: (fault: string, tooOften: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  await pause((probe.initialDelaySeconds ?? 0) * 1000, undefined, { signal });
  const period = (probe.periodSeconds ?? 10) * 1000;
  let successes = 0;
  let failures = 0;
  for (;;) {
    const fault = await faultOf(probe, probed, signal);
    if (fault === undefined) {
      failures = 0;
      if (++successes >= (probe.successThreshold ?? 1)) return;
      await pause(period, undefined, { signal });
    } else {
      successes = 0;
      failures += 1;
      failed(fault, failures >= (probe.failureThreshold ?? 3));
      await periodOrListening(period, probed.process, signal);
    }
  }
}

/** The next try comes after the period, or as soon as the process listens: nobody should wait for a laptop's cluster. */
async function periodOrListening(period: number, process: ContainerProcess, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  try {
    await Promise.race([pause(period, undefined, { signal: either }), ...(process.isListening ? [] : [process.listening])]);
  } finally {
    over.abort();
  }
}

/** What the kubelet says of a failing probe; undefined if it succeeds. */
async function faultOf(probe: Probe, { process, container, env, podIP }: Probed, signal: AbortSignal): Promise<string | undefined> {
  if (probe.exec) return faultOfCommand(probe.exec.command ?? [], env, (probe.timeoutSeconds ?? 1) * 1000 + timing.shellStart, signal);
  const target = probe.httpGet ?? probe.tcpSocket;
  if (!target) return undefined;
  const port = typeof target.port === 'number' ? target.port : container.ports?.find(({ name }) => name === target.port)?.containerPort;
  const host = target.host ?? podIP;
  const refused = `dial tcp ${host}:${port ?? target.port}: connect: connection refused`;
  if (!probe.httpGet) return port !== undefined && process.listensOn(port) ? undefined : refused;
  const { scheme = 'HTTP', path = '/' } = probe.httpGet;
  const status = port === undefined ? undefined : process.answer(port, path);
  if (status === undefined) return `Get "${scheme.toLowerCase()}://${host}:${port ?? target.port}${path}": ${refused}`;
  return status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`;
}

async function faultOfCommand(argv: string[], env: Record<string, string>, time: number, signal: AbortSignal): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(time);
  try {
    const { stdout, stderr, exitCode } = await runInShell({ argv, env, merged: true }, AbortSignal.any([signal, timeout]));
    return exitCode === 0 ? undefined : stdout + stderr;
  } catch (error) {
    if (timeout.aborted && !signal.aborted) return `command "${argv.join(' ')}" timed out`;
    throw error;
  }
}
