import type { AppSnapshot } from '../deploy/snapshot.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { MIDDLEWARE } from '../kubernetes/object-kind.ts';
import type { Settings } from '../settings/settings.ts';

/** The ingress controllers that can be spoken to in their own words. */
export type AnnotationSet = Settings['ingressAnnotations'];

/** Annotations of an app's Ingress: what Drycc's own router reads, and what the controller of the set does. */
export function ingressAnnotations(app: AppSnapshot, set: AnnotationSet): Record<string, string> {
  const controllers: Record<AnnotationSet, () => Record<string, string>> = {
    nginx: () => nginx(app),
    traefik: () => traefik(app),
    none: () => ({}),
  };
  return { ...drycc(app), ...controllers[set]() };
}

function drycc({ settings, tls }: AppSnapshot): Record<string, string> {
  return {
    ...(settings.maintenance && { 'router.drycc.cc/maintenance': 'true' }),
    ...(settings.whitelist.length > 0 && { 'router.drycc.cc/whitelist': settings.whitelist.join(',') }),
    ...(tls.httpsEnforced !== null && { 'router.drycc.cc/ssl.enforce': String(tls.httpsEnforced) }),
  };
}

/**
 * ingress-nginx redirects by itself where the Ingress has certificates, unless told not to, and elsewhere only if it is forced to (TLS
 * may end before it).
 */
function nginx({ settings, tls }: AppSnapshot): Record<string, string> {
  return {
    ...(tls.httpsEnforced !== null && { 'nginx.ingress.kubernetes.io/ssl-redirect': String(tls.httpsEnforced) }),
    ...(tls.httpsEnforced && { 'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true' }),
    ...(settings.whitelist.length > 0 && { 'nginx.ingress.kubernetes.io/whitelist-source-range': settings.whitelist.join(',') }),
  };
}

/** Traefik takes nothing but names of Middlewares, in the order in which a request meets them. */
function traefik(app: AppSnapshot): Record<string, string> {
  const names = middlewares(app).flatMap(({ wanted, manifest }) => (wanted ? `${app.id}-${manifest.metadata.name}@kubernetescrd` : []));
  return names.length > 0 ? { 'traefik.ingress.kubernetes.io/router.middlewares': names.join(',') } : {};
}

/** Every Middleware that an app may have under Traefik, and whether it shall be there. */
export function middlewares(app: AppSnapshot): { wanted: boolean; manifest: KubernetesObject }[] {
  const { settings, tls } = app;
  const middleware = (name: string, spec: object): KubernetesObject => ({
    apiVersion: MIDDLEWARE.apiVersion,
    kind: MIDDLEWARE.kind,
    metadata: { name, namespace: app.id, labels: appLabels(app) },
    spec,
  });
  return [
    {
      wanted: settings.whitelist.length > 0,
      manifest: middleware(`${app.id}-whitelist`, { ipAllowList: { sourceRange: settings.whitelist } }),
    },
    {
      wanted: tls.httpsEnforced === true,
      manifest: middleware(`${app.id}-https`, { redirectScheme: { scheme: 'https', permanent: true } }),
    },
  ];
}
