import { appSnapshot, expectKnown, manifestOptions, type Given } from '../../test/app-snapshot.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { SecretManifests, type SecretOptions } from './secrets.manifests.ts';

function secrets(given: Given = {}, options: Partial<SecretOptions> = {}): KubernetesObject[] {
  const contributions = new SecretManifests({ ...manifestOptions, ...options }).manifests(appSnapshot(given));
  for (const { phase, manifest } of contributions) {
    expect(phase).toBe('before');
    expectKnown(manifest);
  }
  return contributions.map(({ manifest }) => manifest);
}

const clear = (secret: KubernetesObject | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries((secret?.['data'] ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]),
  );

describe('the environment secret', () => {
  it('is one a release, immutable, with what the platform says and the values of the config', () => {
    const [secret, ...others] = secrets({ config: { values: { B: 'ż\n', A: '' } } });
    expect(others).toEqual([]);
    expect(secret).toMatchObject({
      metadata: { name: 'demo-v2-env', namespace: 'demo', labels: { app: 'demo', heritage: 'drycc', type: 'env', version: 'v2' } },
      type: 'Opaque',
      immutable: true,
    });
    expect(JSON.stringify(clear(secret))).toBe(
      JSON.stringify({
        A: '',
        B: 'ż\n',
        DRYCC_APP: 'demo',
        DRYCC_RELEASE: 'v2',
        PORT: '5000',
        WORKFLOW_RELEASE: 'v2',
        WORKFLOW_RELEASE_CREATED_AT: '2026-01-02T03:04:05.678Z',
        WORKFLOW_RELEASE_SUMMARY: 'ada deployed it',
      }),
    );
  });

  it('lets values win over the platform', () => {
    const values = { PORT: '80', SOURCE_VERSION: 'mine', WORKFLOW_RELEASE_SUMMARY: 'mine' };
    expect(clear(secrets({ config: { values }, build: { sha: 'abc', dockerfile: 'x' } })[0])).toMatchObject(values);
  });

  it('names the source version', () => {
    expect(clear(secrets({ build: { sha: 'abc', dockerfile: 'x' } })[0])).toMatchObject({ SOURCE_VERSION: 'abc' });
  });

  it('of a slug says where it is, and the port that requests go to', () => {
    const given = { build: { image: 'http://slugs/x', sha: 'abc' }, config: { values: { PORT: '80' } } };
    const options = { builderStorage: 'minio', minioHost: '10.0.0.1', minioPort: '9000' };
    expect(clear(secrets(given, options)[0])).toMatchObject({
      SLUG_URL: 'http://slugs/x',
      BUILDER_STORAGE: 'minio',
      DRYCC_MINIO_SERVICE_HOST: '10.0.0.1',
      DRYCC_MINIO_SERVICE_PORT: '9000',
      PORT: '5000',
    });
    expect(Object.keys(clear(secrets({}, options)[0])).join()).not.toMatch(/SLUG|STORAGE|MINIO/);
  });

  it('is not there without a build', () => {
    expect(secrets({ build: null, config: { registry: { username: 'u', password: 'p' } } })).toEqual([]);
  });
});

describe('the pull secret', () => {
  const registry = { username: 'u', password: 'p:ü' };
  const auth = { username: 'u', password: 'p:ü', auth: Buffer.from('u:p:ü').toString('base64') };

  it.each([
    ['for the registry of the image', 'registry.example.com:5000/a/b:1', {}, 'registry.example.com:5000'],
    ['for Docker Hub', 'a/b', {}, 'https://index.docker.io/v1/'],
    ['for the host that is given', 'a/b', { hostname: 'other.example.com' }, 'other.example.com'],
  ])('%s', (_title, image, more, host) => {
    const [, secret] = secrets({ build: { image }, config: { registry: { ...registry, ...more } } });
    expect(secret).toMatchObject({ metadata: { name: 'private-registry', namespace: 'demo' }, type: 'kubernetes.io/dockerconfigjson' });
    expect(JSON.parse(clear(secret)['.dockerconfigjson'] ?? '')).toEqual({ auths: { [host]: auth } });
  });

  it('needs a username and a password', () => {
    expect(secrets({ config: { registry: { username: 'u' } } })).toHaveLength(1);
    expect(secrets({ config: { registry: { hostname: 'h', password: 'p' } } })).toHaveLength(1);
  });
});
