import { appSnapshot, expectKnown, type Given } from '../../test/app-snapshot.ts';
import type { ManifestSource } from '../deploy/manifest-source.ts';
import { NamespaceManifests } from './namespace.manifests.ts';
import { NetworkPolicyManifests, type NetworkPolicyOptions } from './network-policy.manifests.ts';
import { RoleBindingManifests } from './role-binding.manifests.ts';
import { ServiceManifests } from './service.manifests.ts';

function contributions(source: ManifestSource, given: Given = {}) {
  const all = source.manifests(appSnapshot(given), undefined);
  for (const { manifest } of all) expectKnown(manifest);
  return all;
}

const labels = {
  app: 'demo',
  heritage: 'drycc',
  'app.kubernetes.io/name': 'demo',
  'app.kubernetes.io/managed-by': 'keelson',
  'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
};

describe('the namespace of an app', () => {
  const { app, ...withoutApp } = labels;

  it('says whose it is', () => {
    expect(contributions(new NamespaceManifests({ quotaSpec: undefined, limitRangeSpec: undefined }))).toEqual([
      {
        phase: 'before',
        order: -2,
        manifest: {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: app, labels: withoutApp, annotations: { 'keelson.dev/app-uuid': '00000000-0000-4000-8000-00000000000a' } },
        },
      },
    ]);
  });

  it('gets the bounds that the platform sets, after it is there', () => {
    const quotaSpec = { hard: { pods: '10' } };
    const limitRangeSpec = { limits: [{ type: 'Container', default: { cpu: '1' } }] };
    const [namespace, ...bounds] = contributions(new NamespaceManifests({ quotaSpec, limitRangeSpec }));
    expect(namespace?.order).toBeLessThan(0);
    expect(bounds).toEqual([
      {
        phase: 'before',
        manifest: { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'demo-quota', namespace: 'demo', labels }, spec: quotaSpec },
      },
      {
        phase: 'before',
        manifest: { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'demo', namespace: 'demo', labels }, spec: limitRangeSpec },
      },
    ]);
  });
});

describe('the right to the Secrets of an app', () => {
  const options = { ownNamespace: 'platform', serviceAccount: 'keelson', secretsRole: 'keelson:secrets' };

  it('is bound to Keelson right after the namespace is there', () => {
    expect(contributions(new RoleBindingManifests(options))).toEqual([
      {
        phase: 'before',
        order: -1,
        manifest: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata: { name: 'keelson', namespace: 'demo', labels },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'keelson:secrets' },
          subjects: [{ kind: 'ServiceAccount', name: 'keelson', namespace: 'platform' }],
        },
      },
    ]);
    const [namespace] = contributions(new NamespaceManifests({ quotaSpec: undefined, limitRangeSpec: undefined }));
    expect(namespace?.order).toBeLessThan(-1);
  });

  it.each(['ownNamespace', 'serviceAccount', 'secretsRole'] as const)('needs none without %s', (missing) => {
    expect(contributions(new RoleBindingManifests({ ...options, [missing]: undefined }))).toEqual([]);
  });
});

describe('the network policy of an app', () => {
  const isolated: NetworkPolicyOptions = { appNetworkPolicy: 'isolate', ingressNamespaces: ['traefik', 'nginx'], ownNamespace: 'platform' };

  it('is none by default', () => {
    expect(contributions(new NetworkPolicyManifests({ ...isolated, appNetworkPolicy: 'none' }))).toEqual([]);
  });

  it.each([
    ['ingress controllers, Keelson and itself', isolated, ['nginx', 'platform', 'traefik']],
    ['ingress controllers and itself, where Keelson runs elsewhere', { ...isolated, ownNamespace: undefined }, ['nginx', 'traefik']],
    ['each of them once', { ...isolated, ownNamespace: 'nginx' }, ['nginx', 'traefik']],
  ])('lets in %s', (_title, options, values) => {
    expect(contributions(new NetworkPolicyManifests(options))).toEqual([
      {
        phase: 'before',
        manifest: {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'demo', namespace: 'demo', labels },
          spec: {
            podSelector: { matchLabels: { app: 'demo' } },
            policyTypes: ['Ingress'],
            ingress: [
              {
                from: [
                  { podSelector: {} },
                  { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }] } },
                ],
              },
            ],
          },
        },
      },
    ]);
  });
});

describe('the Service of an app', () => {
  const service = (given: Given) => {
    const [only, ...others] = contributions(new ServiceManifests(), given);
    expect(others).toEqual([]);
    expect(only?.phase).toBe('after');
    return only?.manifest;
  };

  it.each([
    ['web', {}, { web: 1, cmd: 1 }, { type: 'web' }],
    ['web without pods', {}, { web: 0, worker: 1 }, { type: 'web' }],
    ['cmd', { procfile: {} }, { cmd: 1 }, { type: 'cmd' }],
    ['cmd when the build has no web any more', { procfile: {} }, { cmd: 1, web: 0 }, { type: 'cmd' }],
    ['no type in particular', {}, { worker: 1 }, {}],
    ['no type in particular before the first build', null, {}, {}],
  ] as [string, Given['build'], Record<string, number>, object][])('leads to %s', (_title, build, structure, type) => {
    expect(service({ build, structure })).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'demo', namespace: 'demo', labels },
      spec: {
        selector: { app: 'demo', heritage: 'drycc', ...type },
        ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 5000 }],
      },
    });
  });

  it.each([
    ['PORT of the config', {}, { PORT: '8080' }, 8080],
    ['the port of the slug runner', { sha: 'abc' }, { PORT: '8080' }, 5000],
  ])('leads to %s', (_title, build, values, targetPort) => {
    expect(service({ build, config: { values } })?.['spec']).toMatchObject({ ports: [{ targetPort }] });
  });

  it('says so during maintenance', () => {
    const settings = { maintenance: true, routable: true, whitelist: [], autoscale: {} };
    expect(service({ settings })?.metadata.annotations).toEqual({ 'router.drycc.cc/maintenance': 'true' });
  });
});
