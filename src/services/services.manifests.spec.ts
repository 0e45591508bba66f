import { appSnapshot, expectKnown, type Given } from '../../test/app-snapshot.ts';
import { TypeServiceManifests } from './services.manifests.ts';

function services(given: Given) {
  const all = new TypeServiceManifests().manifests(appSnapshot(given));
  for (const { manifest } of all) expectKnown(manifest);
  return all;
}

it('a type gets a Service that leads to its pods on their port', () => {
  expect(services({ services: [{ type: 'api', pathPattern: '/api/.*' }], config: { values: { PORT: '8080' } } })).toEqual([
    {
      phase: 'after',
      manifest: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: {
          name: 'demo-api',
          namespace: 'demo',
          labels: {
            app: 'demo',
            heritage: 'drycc',
            type: 'api',
            'app.kubernetes.io/name': 'demo',
            'app.kubernetes.io/component': 'api',
            'app.kubernetes.io/managed-by': 'keelson',
            'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
          },
          annotations: { 'router.drycc.cc/path-pattern': '/api/.*' },
        },
        spec: {
          selector: { app: 'demo', heritage: 'drycc', type: 'api' },
          ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
        },
      },
    },
  ]);
});

it('each has its own, before the first build too', () => {
  const given = ['api', 'w'.repeat(80)].map((type) => ({ type, pathPattern: '/' }));
  const names = services({ services: given, build: null, structure: {} }).map(({ manifest }) => manifest.metadata.name);
  expect(names).toEqual(['demo-api', expect.stringMatching(/^demo-w{49}-[0-9a-f]{8}$/)]);
  expect(services({})).toEqual([]);
});
