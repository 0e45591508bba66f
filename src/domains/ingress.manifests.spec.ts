import { appSnapshot, expectKnown, type Given } from '../../test/app-snapshot.ts';
import type { Contribution } from '../deploy/manifest-source.ts';
import { MIDDLEWARE } from '../kubernetes/object-kind.ts';
import { IngressManifests, type IngressOptions } from './ingress.manifests.ts';

const labels = {
  app: 'demo',
  heritage: 'drycc',
  'app.kubernetes.io/name': 'demo',
  'app.kubernetes.io/managed-by': 'keelson',
  'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
};
const published = { maintenance: false, routable: true, whitelist: [], autoscale: {} };
const plain = { httpsEnforced: null, certsAutoEnabled: null };
const domains = (...hosts: [string, string?][]) => hosts.map(([host, certificate = null]) => ({ host, certificate }));

function contributions(given: Given = {}, options: Partial<IngressOptions> = {}): Contribution[] {
  const source = new IngressManifests({ ingressClass: undefined, ingressAnnotations: 'nginx', ...options });
  const all = source.manifests(appSnapshot(given));
  for (const { manifest } of all) {
    expect(source.kinds.map(({ kind }) => kind)).toContain(manifest.kind);
    if (manifest.kind !== MIDDLEWARE.kind) expectKnown(manifest);
  }
  return all;
}

const one = (kind: string, given: Given, options: Partial<IngressOptions> = {}) =>
  contributions(given, options).find(({ manifest }) => manifest.kind === kind)?.manifest;

it.each([{}, null])('every domain leads to the Service, with the build %j', (build) => {
  expect(contributions({ build, domains: domains(['*.a.com'], ['demo.example.com']) })).toEqual([
    {
      phase: 'after',
      manifest: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'demo', namespace: 'demo', labels },
        spec: {
          rules: ['*.a.com', 'demo.example.com'].map((host) => ({
            host,
            http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'demo', port: { number: 80 } } } }] },
          })),
        },
      },
    },
  ]);
});

it('the class is that of the platform', () => {
  expect(one('Ingress', {}, { ingressClass: 'edge' })?.['spec']).toMatchObject({ ingressClassName: 'edge' });
});

it.each([
  ['not published', { settings: { ...published, routable: false, maintenance: true, whitelist: ['10.0.0.1'] } }],
  ['without a domain', { settings: { ...published, maintenance: true }, domains: [] }],
])('there is nothing for an app %s', (_, given) => {
  expect(contributions(given)).toEqual([]);
});

describe('certificates', () => {
  it.each([
    ['none', domains(['a.com'], ['b.com']), plain, undefined],
    [
      'those attached, hosts by Secret',
      domains(['*.b.com', 'wild'], ['a.com', 'www'], ['b.com', 'wild'], ['c.com']),
      plain,
      [
        { hosts: ['*.b.com', 'b.com'], secretName: 'wild-cert' },
        { hosts: ['a.com'], secretName: 'www-cert' },
      ],
    ],
    [
      'the automatic one for the rest, but for wildcards',
      domains(['*.b.com'], ['a.com', 'www'], ['b.com'], ['c.com']),
      { ...plain, certsAutoEnabled: true },
      [
        { hosts: ['b.com', 'c.com'], secretName: 'demo-auto-tls' },
        { hosts: ['a.com'], secretName: 'www-cert' },
      ],
    ],
    ['none for wildcards alone', domains(['*.b.com']), { ...plain, certsAutoEnabled: true }, undefined],
    ['none when switched off', domains(['b.com']), { ...plain, certsAutoEnabled: false }, undefined],
  ])('%s', (_, given, tls, expected) => {
    expect((one('Ingress', { domains: given, tls })?.['spec'] as { tls?: object[] }).tls).toEqual(expected);
  });
});

describe('maintenance', () => {
  const settings = { ...published, maintenance: true };

  it('every domain leads to a Service that finds no pod, which is there before the Ingress', () => {
    const [service, ingress, ...others] = contributions({ settings, domains: domains(['a.com'], ['b.com']) });
    expect(others).toEqual([]);
    expect(service).toEqual({
      phase: 'after',
      order: -1,
      manifest: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'demo--maintenance', namespace: 'demo', labels },
        spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }] },
      },
    });
    const { rules } = ingress?.manifest['spec'] as { rules: { http: { paths: { backend: { service: { name: string } } }[] } }[] };
    expect(rules.map(({ http }) => http.paths[0]?.backend.service.name)).toEqual(['demo--maintenance', 'demo--maintenance']);
    expect(ingress?.manifest.metadata.annotations).toEqual({ 'router.drycc.cc/maintenance': 'true' });
  });

  it('a long name is cut', () => {
    expect(one('Service', { id: 'a'.repeat(60), settings })?.metadata.name).toMatch(/^a{54}-[0-9a-f]{8}$/);
  });
});

describe('under Traefik', () => {
  const options = { ingressAnnotations: 'traefik' } as const;
  const middleware = (name: string, spec: object) => ({
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'Middleware',
    metadata: { name, namespace: 'demo', labels },
    spec,
  });
  const whitelist = ['10.0.0.0/8', '::1'];
  const allowing = middleware('demo-whitelist', { ipAllowList: { sourceRange: whitelist } });
  const redirecting = middleware('demo-https', { redirectScheme: { scheme: 'https', permanent: true } });

  it('whitelist and redirect are Middlewares, there before the Ingress that names them', () => {
    const all = contributions({ settings: { ...published, whitelist }, tls: { ...plain, httpsEnforced: true } }, options);
    expect(all.slice(0, 2)).toEqual([
      { phase: 'after', order: -1, manifest: allowing },
      { phase: 'after', order: -1, manifest: redirecting },
    ]);
    expect(all[2]?.manifest.metadata.annotations).toMatchObject({
      'traefik.ingress.kubernetes.io/router.middlewares': 'demo-demo-whitelist@kubernetescrd,demo-demo-https@kubernetescrd',
    });
  });

  it.each([
    ['not asked for', {}],
    ['of no use without an Ingress', { settings: { ...published, whitelist, routable: false }, tls: { ...plain, httpsEnforced: true } }],
  ])('those that are %s shall not be there', (_, given) => {
    const gone = contributions(given, options).filter(({ manifest }) => manifest.kind === 'Middleware');
    expect(gone.map(({ absent, manifest }) => [absent, manifest.metadata.name])).toEqual([
      [true, 'demo-whitelist'],
      [true, 'demo-https'],
    ]);
  });
});
