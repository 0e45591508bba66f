import { appSnapshot } from '../../test/app-snapshot.ts';
import { CertificateManifests } from './certificates.manifests.ts';

function certificates(certsAutoEnabled: boolean | null, hosts: string[]) {
  const domains = hosts.map((host) => ({ host, certificate: null }));
  const source = new CertificateManifests({ clusterIssuer: 'letsencrypt' });
  return source.manifests(appSnapshot({ tls: { httpsEnforced: null, certsAutoEnabled }, domains }));
}

it('cert-manager is asked for one certificate for all domains but wildcards, after everything else', () => {
  expect(certificates(true, ['*.a.com', 'a.com', 'demo.example.com'])).toEqual([
    {
      phase: 'after',
      order: 1,
      manifest: {
        apiVersion: 'cert-manager.io/v1',
        kind: 'Certificate',
        metadata: {
          name: 'demo',
          namespace: 'demo',
          labels: {
            app: 'demo',
            heritage: 'drycc',
            'app.kubernetes.io/name': 'demo',
            'app.kubernetes.io/managed-by': 'keelson',
            'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
          },
        },
        spec: {
          secretName: 'demo-auto-tls',
          dnsNames: ['a.com', 'demo.example.com'],
          issuerRef: { group: 'cert-manager.io', kind: 'ClusterIssuer', name: 'letsencrypt' },
        },
      },
    },
  ]);
});

it.each([
  [false, ['a.com']],
  [true, ['*.a.com']],
  [true, []],
])('switched %s with domains %j there shall be none', (on, hosts) => {
  const [contribution, ...others] = certificates(on, hosts);
  expect(others).toEqual([]);
  expect(contribution).toMatchObject({ absent: true, manifest: { kind: 'Certificate', metadata: { name: 'demo', namespace: 'demo' } } });
});

it('an app that never switched it leaves the cluster alone', () => {
  expect(certificates(null, ['a.com'])).toEqual([]);
});
