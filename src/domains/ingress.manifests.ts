import { Inject, Injectable } from '@nestjs/common';
import type { IIngressSpec, IIngressTLS } from 'kubernetes-models/networking.k8s.io/v1';
import type { IServiceSpec } from 'kubernetes-models/v1';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { autoTlsSecretName, certSecretName, maintenanceServiceName } from '../kubernetes/names.ts';
import { INGRESS, MIDDLEWARE, SERVICE, type ObjectKind } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';
import { ingressAnnotations, middlewares } from './ingress-annotations.ts';

export type IngressOptions = Pick<Settings, 'ingressClass' | 'ingressAnnotations'>;

const PORT = 80;

/**
 * The app's Ingress: every domain to its Service, or during maintenance to one that leads nowhere. There is none for an app that isn't
 * published, or has no domain.
 */
@Injectable()
export class IngressManifests extends ManifestSource {
  readonly kinds: readonly ObjectKind[];

  constructor(@Inject(Settings) private readonly options: IngressOptions) {
    super();
    this.kinds = [INGRESS, SERVICE, ...(options.ingressAnnotations === 'traefik' ? [MIDDLEWARE] : [])];
  }

  manifests(app: AppSnapshot): Contribution[] {
    const published = app.settings.routable && app.domains.length > 0;
    return [
      // what the Ingress names is there before it
      ...this.middlewares(app, published),
      ...(published && app.settings.maintenance ? [maintenanceService(app)] : []),
      ...(published ? [this.ingress(app)] : []),
    ];
  }

  private middlewares(app: AppSnapshot, published: boolean): Contribution[] {
    if (this.options.ingressAnnotations !== 'traefik') return [];
    return middlewares(app).map(({ wanted, manifest }) =>
      published && wanted ? { phase: 'after', order: -1, manifest } : { phase: 'after', absent: true, manifest },
    );
  }

  private ingress(app: AppSnapshot): Contribution {
    const { ingressClass, ingressAnnotations: set } = this.options;
    const annotations = ingressAnnotations(app, set);
    const name = app.settings.maintenance ? maintenanceServiceName(app.id) : app.id;
    const backend = { service: { name, port: { number: PORT } } };
    const tls = tlsEntries(app);
    const spec: IIngressSpec = {
      ...(ingressClass && { ingressClassName: ingressClass }),
      rules: app.domains.map(({ host }) => ({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })),
      ...(tls.length > 0 && { tls }),
    };
    return {
      phase: 'after',
      manifest: {
        apiVersion: INGRESS.apiVersion,
        kind: INGRESS.kind,
        metadata: {
          name: app.id,
          namespace: app.id,
          labels: appLabels(app),
          ...(Object.keys(annotations).length > 0 && { annotations }),
        },
        spec,
      },
    };
  }
}

/** Hosts by the Secret of their certificate: the one that was attached, else the automatic one, which has no wildcards. */
function tlsEntries({ id, domains, tls }: AppSnapshot): IIngressTLS[] {
  const hosts = new Map<string, string[]>();
  for (const { host, certificate } of domains) {
    const automatic = tls.certsAutoEnabled === true && !host.startsWith('*');
    const secret = certificate !== null ? certSecretName(certificate) : automatic ? autoTlsSecretName(id) : null;
    if (secret !== null) hosts.set(secret, [...(hosts.get(secret) ?? []), host]);
  }
  return [...hosts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([secretName, of]) => ({ hosts: of, secretName }));
}

/** A Service without pods, and without a selector that could find any: what is sent to it is answered 503. */
function maintenanceService(app: AppSnapshot): Contribution {
  const spec: IServiceSpec = { ports: [{ name: 'http', port: PORT, protocol: 'TCP', targetPort: PORT }] };
  return {
    phase: 'after',
    order: -1,
    manifest: {
      apiVersion: SERVICE.apiVersion,
      kind: SERVICE.kind,
      metadata: { name: maintenanceServiceName(app.id), namespace: app.id, labels: appLabels(app) },
      spec,
    },
  };
}
