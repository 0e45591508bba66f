import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IContainer } from 'kubernetes-models/v1';
import { appSnapshot, expectKnown, manifestOptions, type Given } from '../../test/app-snapshot.ts';
import { DeploymentManifests, type DeploymentOptions } from './deployments.manifests.ts';

function deployments(given: Given = {}, options: Partial<DeploymentOptions> = {}): Record<string, IDeployment> {
  const contributions = new DeploymentManifests({ ...manifestOptions, ...options }).manifests(appSnapshot(given));
  for (const { manifest } of contributions) {
    expectKnown(manifest);
  }
  return Object.fromEntries(contributions.map(({ manifest }) => [manifest.metadata.name, manifest as unknown as IDeployment]));
}

const web = (given: Given = {}, options: Partial<DeploymentOptions> = {}): IDeployment => {
  const deployment = deployments({ structure: { web: 2 }, ...given }, options)['demo-web'];
  if (!deployment) throw new Error('there is no demo-web');
  return deployment;
};
const pod = (deployment: IDeployment) => deployment.spec?.template.spec;
const container = (deployment: IDeployment): IContainer => {
  const [only, ...others] = pod(deployment)?.containers ?? [];
  if (!only || others.length > 0) throw new Error('there is not one container');
  return only;
};

describe('Deployments', () => {
  it('are one for each type of the structure, those without pods too, and what gets requests comes last', () => {
    const contributions = new DeploymentManifests(manifestOptions).manifests(appSnapshot());
    expect(contributions.map(({ phase, order, manifest }) => [phase, order, manifest.metadata.name])).toEqual([
      ['workload', 1, 'demo-web'],
      ['workload', 0, 'demo-worker'],
    ]);
  });

  it('of an app that is not published are all alike', () => {
    const app = appSnapshot({ settings: { maintenance: false, routable: false, whitelist: [], autoscale: {} } });
    expect(new DeploymentManifests(manifestOptions).manifests(app).map(({ order }) => order)).toEqual([0, 0]);
  });

  it('are none without a build', () => {
    expect(deployments({ build: null })).toEqual({});
  });

  it('hold everything that Kubernetes is to know', () => {
    expect(web({ config: { values: { A: 'b' } } })).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'demo-web',
        namespace: 'demo',
        labels: {
          app: 'demo',
          heritage: 'drycc',
          type: 'web',
          'app.kubernetes.io/name': 'demo',
          'app.kubernetes.io/component': 'web',
          'app.kubernetes.io/version': 'v2',
          'app.kubernetes.io/managed-by': 'keelson',
          'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
        },
        annotations: { 'kubernetes.io/change-cause': 'ada deployed it', 'keelson.dev/routable': 'true' },
      },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'demo', type: 'web', heritage: 'drycc' } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
        template: {
          metadata: {
            labels: {
              app: 'demo',
              heritage: 'drycc',
              type: 'web',
              version: 'v2',
              'app.kubernetes.io/name': 'demo',
              'app.kubernetes.io/component': 'web',
              'app.kubernetes.io/version': 'v2',
              'app.kubernetes.io/managed-by': 'keelson',
              'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
            },
          },
          spec: {
            containers: [
              {
                name: 'demo-web',
                image: 'registry.example.com/demo:1',
                imagePullPolicy: 'IfNotPresent',
                command: ['/bin/sh', '-c'],
                args: ['npm start'],
                env: [
                  'A',
                  'DRYCC_APP',
                  'DRYCC_RELEASE',
                  'PORT',
                  'WORKFLOW_RELEASE',
                  'WORKFLOW_RELEASE_CREATED_AT',
                  'WORKFLOW_RELEASE_SUMMARY',
                ].map((name) => ({ name, valueFrom: { secretKeyRef: { name: 'demo-v2-env', key: name } } })),
                readinessProbe: {
                  tcpSocket: { port: 5000 },
                  timeoutSeconds: 1,
                  periodSeconds: 1,
                  successThreshold: 1,
                  failureThreshold: 3,
                },
                securityContext: { allowPrivilegeEscalation: false },
              },
            ],
            restartPolicy: 'Always',
            automountServiceAccountToken: false,
            securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
            terminationGracePeriodSeconds: 30,
          },
        },
      },
    });
  });

  it('are the same bytes for the same input', () => {
    expect(JSON.stringify(deployments())).toBe(JSON.stringify(deployments()));
  });

  it('change their pods with every release, even one that changes nothing', () => {
    expect(web({ version: 3 }).spec?.template).not.toEqual(web({ version: 2 }).spec?.template);
  });

  it('keep their pods when only counts, domains or nodes change', () => {
    expect(web({ structure: { web: 5 }, domains: [], matchingNodes: 9, generation: 8 }).spec?.template).toEqual(web().spec?.template);
  });

  it('carry the stamp of the last restart in the pod template', () => {
    const app = appSnapshot({ structure: { web: 1 } });
    const processes = app.processes.map((process) => ({ ...process, restartedAt: '2026-01-02T03:04:05.000Z' }));
    const [contribution] = new DeploymentManifests(manifestOptions).manifests({ ...app, processes });
    expect((contribution?.manifest as unknown as IDeployment).spec?.template.metadata?.annotations).toEqual({
      'keelson.dev/restarted-at': '2026-01-02T03:04:05.000Z',
    });
  });

  it('of a type that the build does not have get no pods', () => {
    const gone = deployments({ structure: { gone: 3 } })['demo-gone'];
    expect(gone?.spec?.replicas).toBe(0);
  });

  it('of long types and a type that JavaScript knows stay valid', () => {
    const type = 'x'.repeat(100);
    const long = Object.values(deployments({ build: { procfile: { [type]: 'run' } }, structure: { [type]: 1 } }))[0];
    expect(long?.spec?.selector.matchLabels).toEqual({
      app: 'demo',
      heritage: 'drycc',
      type: expect.stringMatching(/^x{54}-[\da-f]{8}$/) as string,
    });
    const plain = deployments({ build: { procfile: { constructor: 'run' } }, structure: { constructor: 1 } })['demo-constructor'];
    expect(plain && container(plain).args).toEqual(['run']);
  });
});

describe('pods replaced at a time', () => {
  it.each([
    ['a node each', {}, {}, 9, 3],
    ['the platform setting', {}, { deployBatches: 4 }, 9, 4],
    ['the app setting', { DRYCC_DEPLOY_BATCHES: '5' }, { deployBatches: 4 }, 9, 5],
    ['0 for the platform setting', { DRYCC_DEPLOY_BATCHES: '0' }, { deployBatches: 4 }, 9, 4],
    ['no more than there are', {}, {}, 2, 2],
    ['all at first', {}, {}, 0, 3],
  ] as [string, Record<string, string>, object, number, number][])('are %s', (_title, values, options, count, maxSurge) => {
    expect(web({ config: { values }, structure: { web: count } }, options).spec?.strategy?.rollingUpdate).toEqual({
      maxSurge,
      maxUnavailable: 0,
    });
  });

  it.each([1, 2, 7])('do not follow an autoscaler that has made %d of them', (replicas) => {
    const { spec } = web({
      settings: { ...appSnapshot().settings, autoscale: { web: { min: 1, max: 2, cpu_percent: 50 } } },
      structure: { web: replicas },
    });
    expect(spec?.strategy?.rollingUpdate?.maxSurge).toBe(2);
  });

  it('are at least one', () => {
    expect(web({ matchingNodes: 0, structure: { web: 3 } }).spec?.strategy?.rollingUpdate?.maxSurge).toBe(1);
  });
});

describe('what a container runs', () => {
  const image = (build: object, type: string, options = {}) => {
    const {
      image: name,
      command,
      args,
    } = container(Object.values(deployments({ build, structure: { [type]: 1 } }, options))[0] as IDeployment);
    return { image: name, command, args };
  };
  const shell = ['/bin/sh', '-c'];

  it.each([
    ['cmd of an image', { image: 'a/b', procfile: {} }, 'cmd', {}, { image: 'a/b' }],
    [
      'cmd in a Procfile',
      { image: 'a/b', procfile: { cmd: ' serve  --port 80 ' } },
      'cmd',
      {},
      { image: 'a/b', args: ['serve', '--port', '80'] },
    ],
    ['another type of an image', { image: 'a/b', procfile: { x: 'a b' } }, 'x', {}, { image: 'a/b', command: shell, args: ['a b'] }],
    ['a type that is not there', { image: 'a/b', procfile: {} }, 'x', {}, { image: 'a/b' }],
    ['a dockerfile', { image: 'a/b', sha: 'abc', dockerfile: 'x', procfile: {} }, 'cmd', {}, { image: '127.0.0.1:5000/demo:git-abc' }],
    [
      'a dockerfile in the internal registry',
      { image: '127.0.0.1:5000/x:1', sha: 'abc', dockerfile: 'x', procfile: {} },
      'cmd',
      {},
      { image: '127.0.0.1:5000/x:1' },
    ],
    [
      'a dockerfile in an external registry',
      { image: 'a/b', sha: 'abc', dockerfile: 'x', procfile: {} },
      'cmd',
      { registryLocation: 'off-cluster' },
      { image: 'a/b' },
    ],
    [
      'a slug',
      { image: 'http://slugs/x.tgz', sha: 'abc', procfile: { web: 'x' } },
      'web',
      {},
      { image: 'drycc/slugrunner:canary', command: ['/runner/init'], args: ['start', 'web'] },
    ],
    [
      'a slug without Procfile',
      { image: 'http://slugs/x.tgz', sha: 'abc', procfile: {} },
      'web',
      {},
      { image: 'drycc/slugrunner:canary', command: ['/runner/init'], args: ['start', 'web'] },
    ],
  ] as [string, object, string, object, object][])('%s', (_title, build, type, options, expected) => {
    expect(image(build, type, options)).toEqual({ command: undefined, args: undefined, ...expected });
  });
});

describe('limits of a container', () => {
  it.each([
    [{ memory: '512m' }, { limits: { memory: '512Mi' } }],
    [{ memory: '1GB', cpu: '0.5' }, { limits: { cpu: '500m', memory: '1Gi' } }],
    [{ memory: '1G/2048m' }, { limits: { memory: '2Gi' }, requests: { memory: '1Gi' } }],
    [{ memory: '100B' }, { limits: { memory: '100' } }],
    [{ memory: '0/100MB' }, { limits: { memory: '100Mi' }, requests: { memory: '0' } }],
    [{ cpu: '500m/600m' }, { limits: { cpu: '600m' }, requests: { cpu: '500m' } }],
    [{ cpu: '.123' }, { limits: { cpu: '123m' } }],
    [{ cpu: '1024' }, { limits: { cpu: '1024' } }],
    [{ cpu: '1.001' }, { limits: { cpu: '1001m' } }],
    [{ cpu: '0.0001' }, { limits: { cpu: '1m' } }],
    [{}, undefined],
  ] as [{ memory?: string; cpu?: string }, object | undefined][])('%j', ({ memory, cpu }, expected) => {
    const config = { ...(memory !== undefined && { memory: { web: memory } }), ...(cpu !== undefined && { cpu: { web: cpu } }) };
    expect(container(web({ config })).resources).toEqual(expected);
  });
});

describe('probes of a container', () => {
  const get = { httpGet: { path: '/', port: 80 } };
  const byDefault = { tcpSocket: { port: 8080 }, timeoutSeconds: 1, periodSeconds: 1, successThreshold: 1, failureThreshold: 3 };
  const values = { PORT: '8080' };
  const probes = (given: Given, type = 'web') => {
    const deployment = deployments({ structure: { [type]: 1 }, build: { procfile: { web: 'x', worker: 'x' } }, ...given })[`demo-${type}`];
    const { livenessProbe, readinessProbe } = container(deployment as IDeployment);
    return { livenessProbe, readinessProbe };
  };

  it.each([
    ['its own', 'web', { web: { livenessProbe: get }, 'web/cmd': { readinessProbe: get } }, { livenessProbe: get }],
    ['those of web/cmd', 'web', { 'web/cmd': { readinessProbe: get } }, { readinessProbe: get }],
    ['those of web/cmd for cmd too', 'cmd', { 'web/cmd': { readinessProbe: get } }, { readinessProbe: get }],
    ['none of web/cmd for others', 'worker', { 'web/cmd': { readinessProbe: get } }, {}],
    [
      'the port filled in',
      'web',
      { web: { livenessProbe: { httpGet: { path: '/x' } } } },
      { livenessProbe: { httpGet: { path: '/x', port: 8080 } } },
    ],
    [
      'zeros left to the defaults',
      'web',
      { web: { livenessProbe: { ...get, initialDelaySeconds: 0, timeoutSeconds: 0, periodSeconds: 7 } } },
      { livenessProbe: { ...get, periodSeconds: 7 } },
    ],
    ['readiness by its port where it has none', 'web', {}, { readinessProbe: byDefault }],
    ['none where nothing comes in', 'worker', {}, {}],
  ] as [string, string, object, object][])('are %s', (_title, type, healthcheck, expected) => {
    expect(probes({ config: { values, healthcheck: healthcheck as never } }, type)).toEqual({
      livenessProbe: undefined,
      readinessProbe: undefined,
      ...expected,
    });
  });

  it('are none by default where the app is not published', () => {
    expect(probes({ settings: { maintenance: false, routable: false, whitelist: [], autoscale: {} } }).readinessProbe).toBeUndefined();
  });

  it.each([
    ['the one by its port', 'web', {}, undefined],
    ['one of its own', 'worker', { worker: { readinessProbe: get } }, undefined],
    ['but liveness', 'worker', { worker: { livenessProbe: get } }, 3],
    ['nothing at all', 'worker', {}, 3],
  ] as [string, string, object, number | undefined][])(
    'tell whether a pod that runs counts at once: %s, %s',
    (_title, type, healthcheck, seconds) => {
      const given = {
        structure: { [type]: 1 },
        build: { procfile: { web: 'x', worker: 'x' } },
        config: { healthcheck: healthcheck as never },
      };
      expect(deployments(given)[`demo-${type}`]?.spec?.minReadySeconds).toBe(seconds);
    },
  );

  it('wait for the slug runner', () => {
    const { readinessProbe } = probes({ build: { sha: 'abc', procfile: { web: 'x' } } });
    expect(readinessProbe).toMatchObject({
      initialDelaySeconds: 30,
      timeoutSeconds: 5,
      periodSeconds: 5,
      successThreshold: 1,
      failureThreshold: 1,
    });
    expect(readinessProbe?.exec?.command?.join(' ')).toContain('/runner/init');
  });
});

describe('config of a pod', () => {
  it('chooses nodes by tags, else by those of the platform', () => {
    const defaultTags = { zone: 'a' };
    expect(pod(web({ config: { tags: { ssd: 'true', a: 'b' } } }, { defaultTags }))?.nodeSelector).toEqual({ a: 'b', ssd: 'true' });
    expect(pod(web({}, { defaultTags }))?.nodeSelector).toEqual(defaultTags);
  });

  it.each([
    [{}, {}, 30],
    [{ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '40' }, {}, 40],
    [{ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '40' }, { web: '50' }, 50],
    [{}, { web: '0' }, 0],
  ] as [Record<string, string>, Record<string, string>, number][])(
    'grants time to end: %j %j',
    (values, terminationGracePeriod, seconds) => {
      expect(pod(web({ config: { values, terminationGracePeriod } }))?.terminationGracePeriodSeconds).toBe(seconds);
    },
  );

  it('calls hooks by the shell', () => {
    const config = { lifecyclePostStart: { web: 'a b' }, lifecyclePreStop: { web: 'c', worker: 'd' } };
    expect(container(web({ config })).lifecycle).toEqual({
      postStart: { exec: { command: ['/bin/sh', '-c', 'a b'] } },
      preStop: { exec: { command: ['/bin/sh', '-c', 'c'] } },
    });
  });

  it('tunes pulling and history', () => {
    const values = { IMAGE_PULL_POLICY: 'Always', KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT: '3' };
    const deployment = web({ config: { values } }, { revisionHistoryLimit: 7 });
    expect(container(deployment).imagePullPolicy).toBe('Always');
    expect(deployment.spec?.revisionHistoryLimit).toBe(3);
    expect(web({}, { revisionHistoryLimit: 7 }).spec?.revisionHistoryLimit).toBe(7);
    expect(web().spec).not.toHaveProperty('revisionHistoryLimit');
  });

  it('names the pull secret of a private registry', () => {
    const config = { values: { PORT: '80' }, registry: { username: 'u', password: 'p' } };
    expect(pod(web({ config }))?.imagePullSecrets).toEqual([{ name: 'private-registry' }]);
    expect(pod(web())).not.toHaveProperty('imagePullSecrets');
  });

  it('keeps a summary of many changes short enough for an annotation', () => {
    const cause = web({ summary: 'x'.repeat(300_000) }).metadata?.annotations?.['kubernetes.io/change-cause'];
    expect(cause).toBe(`${'x'.repeat(4096)}…`);
  });
});
