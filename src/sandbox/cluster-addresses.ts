import type { IService } from 'kubernetes-models/v1';
import { invalid } from './api-error.ts';
import type { StoredObjects } from './stored-object.ts';

/** The addresses of services: 10.96.0.0/16, and the node ports. Nothing listens on them. */
export class ClusterAddresses {
  private readonly services: IService[];

  constructor(store: StoredObjects) {
    this.services = store.list<IService>('services');
  }

  /** Gives the service the addresses that its type calls for and that it doesn't have. */
  fill(service: IService): void {
    const { spec } = service;
    if (!spec || spec.type === 'ExternalName') return;
    if (!spec.clusterIP) spec.clusterIP = this.freeAddress();
    else if (this.isTaken(spec.clusterIP, service)) {
      const message = `Invalid value: "${spec.clusterIP}": failed to allocated ip:${spec.clusterIP} with error:provided IP is already allocated`;
      throw invalid('Service', '', service.metadata?.name ?? '', [{ field: 'spec.clusterIPs', reason: 'FieldValueInvalid', message }]);
    }
    spec.clusterIPs = [spec.clusterIP];
    if (spec.type === 'ClusterIP') for (const port of spec.ports ?? []) delete port.nodePort;
    else for (const port of spec.ports ?? []) port.nodePort ??= this.freePort(spec);
  }

  private isTaken(address: string, { metadata }: IService): boolean {
    return (
      address !== 'None' &&
      this.services.some(
        (each) =>
          each.spec?.clusterIP === address && (each.metadata?.name !== metadata?.name || each.metadata?.namespace !== metadata?.namespace),
      )
    );
  }

  private freeAddress(): string {
    const taken = new Set(this.services.map(({ spec }) => spec?.clusterIP));
    for (let host = 10; host < 65_000; host += 1) {
      const address = `10.96.${host >> 8}.${host & 255}`;
      if (!taken.has(address)) return address;
    }
    throw new Error('the sandbox has no service address left');
  }

  private freePort(spec: NonNullable<IService['spec']>): number {
    const taken = new Set(
      [...this.services.map((each) => each.spec), spec].flatMap((each) => each?.ports?.map(({ nodePort }) => nodePort)),
    );
    for (let port = 30_000; port < 32_768; port += 1) if (!taken.has(port)) return port;
    throw new Error('the sandbox has no node port left');
  }
}
