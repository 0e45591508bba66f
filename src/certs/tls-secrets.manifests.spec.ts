import { appSnapshot, expectKnown } from '../../test/app-snapshot.ts';
import { certSecretName } from '../kubernetes/names.ts';
import { TlsSecretManifests } from './tls-secrets.manifests.ts';

it('every certificate on the app is a Secret that the Ingress can name, and there before it', () => {
  const certificates = [
    { name: 'api', certificate: 'certificate ü\n', key: 'key\n' },
    { name: 'w'.repeat(253), certificate: 'c', key: 'k' },
  ];
  const contributions = new TlsSecretManifests().manifests(appSnapshot({ certificates }));
  for (const { phase, order, manifest } of contributions) {
    expect([phase, order]).toEqual(['after', -1]);
    expectKnown(manifest);
  }
  const [api, long] = contributions.map(({ manifest }) => manifest);
  expect(api).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'api-cert',
      namespace: 'demo',
      labels: expect.objectContaining({ app: 'demo', heritage: 'drycc', 'app.kubernetes.io/managed-by': 'keelson' }) as unknown,
    },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': 'Y2VydGlmaWNhdGUgw7wK', 'tls.key': 'a2V5Cg==' },
  });
  expect(long?.metadata.name).toBe(certSecretName('w'.repeat(253)));
});

it('an app without certificates has none', () => {
  expect(new TlsSecretManifests().manifests(appSnapshot())).toEqual([]);
});
