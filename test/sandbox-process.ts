import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BegunFault, FaultRequest } from '../src/sandbox/faults/fault.ts';
import { freePort, KeelsonProcess } from './keelson-process.ts';

/** The sandbox as a process of its own: it outlives a Keelson, and can be stopped and continued. */
export interface SandboxProcess {
  kubeconfig: string;
  signal(signal: NodeJS.Signals): void;
  /** Breaks something in it; the returned function mends that again. See docs/sandbox.md. */
  fault(fault: FaultRequest): Promise<() => Promise<void>>;
  /** The faults that stand, with how often each has struck. */
  faults(): Promise<BegunFault[]>;
  stop(): Promise<void>;
}

export async function startSandboxProcess(): Promise<SandboxProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-sandbox-'));
  const port = await freePort();
  const server = `http://127.0.0.1:${String(port)}`;
  const faultsPort = await freePort();
  const process = KeelsonProcess.start('sandbox/main.js', { SANDBOX_PORT: String(port), SANDBOX_FAULTS_PORT: String(faultsPort) });
  await process.answers(`${server}/readyz`);
  const kubeconfig = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sandbox', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'sandbox', user: {} }],
    contexts: [{ name: 'sandbox', context: { cluster: 'sandbox', user: 'sandbox' } }],
    'current-context': 'sandbox',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  const faults = `http://127.0.0.1:${String(faultsPort)}/faults`;
  const ask = async (method: string, path = '', body?: FaultRequest): Promise<Response> => {
    const response = await fetch(`${faults}${path}`, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${faults}${path}: ${String(response.status)} ${await response.text()}`);
    return response;
  };
  return {
    kubeconfig,
    fault: async (fault) => {
      const { id } = (await (await ask('POST', '', fault)).json()) as BegunFault;
      return async () => {
        await ask('DELETE', `/${String(id)}`);
      };
    },
    faults: async () => ((await (await ask('GET')).json()) as { faults: BegunFault[] }).faults,
    signal: (signal) => {
      process.signal(signal);
    },
    stop: async () => {
      process.signal('SIGCONT');
      await process.end('SIGTERM');
      await rm(folder, { recursive: true });
    },
  };
}
