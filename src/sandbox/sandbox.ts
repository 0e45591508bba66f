import { ApiServer } from './api-server.ts';
import { startControllers } from './controllers/controllers.ts';
import { CallFaults } from './faults/call-faults.ts';
import { FaultServer } from './faults/fault-server.ts';
import { Faults } from './faults/faults.ts';
import { furnish } from './furnish.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { NamespaceLifecycle } from './namespace-lifecycle.ts';
import { QuotaController } from './quota-controller.ts';
import { Store } from './store.ts';
import { WatchHistory } from './watch.ts';

export interface Sandbox {
  /** Where its Kubernetes API is: `http://127.0.0.1:8001`. */
  url: string;
  store: Store;
  /** What can be broken in it. */
  faults: Faults;
  /** Where faults can be asked for over HTTP, if they can. */
  faultsUrl?: string;
  stop(): Promise<void>;
}

export interface SandboxOptions {
  /** 0 takes any that is free. */
  port: number;
  host?: string;
  /** How many nodes it has from the start. */
  nodes?: number;
  /** Of the fault API; without it there is none. 0 takes any that is free. */
  faultsPort?: number;
}

/** Starts an empty cluster inside this process, with its API on the port. */
export async function startSandbox({ port, host = '127.0.0.1', nodes = 1, faultsPort }: SandboxOptions): Promise<Sandbox> {
  const store = new Store();
  const namespaces = new NamespaceLifecycle(store);
  const garbage = new GarbageCollector(store);
  const quotas = new QuotaController(store);
  const controllers = startControllers(store);
  const history = new WatchHistory(store);
  const calls = new CallFaults();
  const api = new ApiServer(store, history, controllers, calls);
  const faults = new Faults({ api, history, calls, controllers });
  const faultServer = faultsPort === undefined ? undefined : new FaultServer(faults);
  const stop = async (): Promise<void> => {
    faults.stop();
    controllers.stop();
    quotas.stop();
    garbage.stop();
    namespaces.stop();
    await faultServer?.stop();
    await api.stop();
  };
  furnish(store, nodes);
  try {
    const url = await api.listen(port, host);
    return { url, store, faults, faultsUrl: await faultServer?.listen(faultsPort ?? 0), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
