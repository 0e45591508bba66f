import { appSnapshot } from '../../test/app-snapshot.ts';
import { ingressAnnotations } from './ingress-annotations.ts';

const whitelist = ['10.0.0.0/8', '::1'];

it.each([
  ['nginx', {}, {}],
  ['nginx', { whitelist }, { 'nginx.ingress.kubernetes.io/whitelist-source-range': '10.0.0.0/8,::1' }],
  ['nginx', { https: false }, { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' }],
  [
    'nginx',
    { https: true },
    { 'nginx.ingress.kubernetes.io/ssl-redirect': 'true', 'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true' },
  ],
  ['nginx', { maintenance: true }, {}],
  ['traefik', {}, {}],
  ['traefik', { https: false }, {}],
  ['traefik', { https: true }, { 'traefik.ingress.kubernetes.io/router.middlewares': 'demo-demo-https@kubernetescrd' }],
  ['traefik', { whitelist }, { 'traefik.ingress.kubernetes.io/router.middlewares': 'demo-demo-whitelist@kubernetescrd' }],
  ['none', { whitelist, https: true, maintenance: true }, {}],
] as const)("%s is told of %j in its own words, beside Drycc's", (set, given, own) => {
  const {
    whitelist: allowed = [],
    https = null,
    maintenance = false,
  } = given as Partial<{
    whitelist: string[];
    https: boolean;
    maintenance: boolean;
  }>;
  const app = appSnapshot({
    settings: { maintenance, routable: true, whitelist: [...allowed], autoscale: {} },
    tls: { httpsEnforced: https, certsAutoEnabled: null },
  });
  expect(ingressAnnotations(app, set)).toEqual({
    ...(maintenance && { 'router.drycc.cc/maintenance': 'true' }),
    ...(allowed.length > 0 && { 'router.drycc.cc/whitelist': allowed.join(',') }),
    ...(https !== null && { 'router.drycc.cc/ssl.enforce': String(https) }),
    ...own,
  });
});
