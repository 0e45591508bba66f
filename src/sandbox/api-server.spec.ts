import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  type KubernetesObject,
  type V1ConfigMap,
  type V1Deployment,
  type V1Status,
} from '@kubernetes/client-node';
import { PassThrough, Readable } from 'node:stream';
import { startSandbox, type Sandbox } from './sandbox.ts';

jest.setTimeout(60_000);

let sandbox: Sandbox;
let config: KubeConfig;
let core: CoreV1Api;
let apps: AppsV1Api;
let objects: KubernetesObjectApi;
let namespace: string;
let counter = 0;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'sandbox', server: sandbox.url, skipTLSVerify: true }],
    users: [{ name: 'sandbox' }],
    contexts: [{ name: 'sandbox', cluster: 'sandbox', user: 'sandbox' }],
    currentContext: 'sandbox',
  });
  core = config.makeApiClient(CoreV1Api);
  apps = config.makeApiClient(AppsV1Api);
  objects = KubernetesObjectApi.makeApiClient(config);
});

afterAll(() => sandbox.stop());

beforeEach(async () => {
  namespace = `spec-${++counter}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
});

const asApply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply);
const asMerge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const manager = 'spec';

const deployment = (name: string, replicas = 1): V1Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', image: 'web:1' }], terminationGracePeriodSeconds: 1 },
    },
  },
});

const applyDeployment = (body: V1Deployment, fieldManager = manager, force = false): Promise<V1Deployment> =>
  apps.patchNamespacedDeployment({ name: body.metadata?.name ?? '', namespace, body, fieldManager, force }, asApply);

async function refusal(call: Promise<unknown>): Promise<V1Status> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiException)) throw new Error(`it was not refused: ${String(error)}`);
  const status = JSON.parse(error.body as string) as V1Status;
  expect(status).toMatchObject({ kind: 'Status', status: 'Failure', code: error.code });
  return status;
}

/** Settled when the question is answered with yes, asked again after each change. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (!holds()) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = sandbox.store.onChange(() => setImmediate(check));
    check();
  });
}

test('it says that it is a sandbox', async () => {
  const { gitVersion, platform } = await config.makeApiClient(VersionApi).getCode();
  expect([gitVersion, platform]).toEqual([expect.stringMatching(/^v1\.\d+\.\d+\+sandbox$/), 'sandbox']);
  expect(await (await fetch(`${sandbox.url}/healthz`)).text()).toBe('ok (sandbox)');
});

test('an object that is created has what the server gives it', async () => {
  const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { generateName: 'map-' }, data: { a: 'b' } } });
  expect(made.metadata?.name).toMatch(/^map-[a-z0-9]{5}$/);
  expect(made.metadata).toMatchObject({ namespace, uid: expect.any(String) as string, resourceVersion: expect.any(String) as string });
  expect(await core.readNamespacedConfigMap({ namespace, name: made.metadata?.name ?? '' })).toEqual(made);
});

test('applying creates with defaults, then changes, and says who owns what', async () => {
  const first = await applyDeployment(deployment('web', 0));
  expect(first.spec).toMatchObject({
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    progressDeadlineSeconds: 600,
  });
  expect(first.metadata?.generation).toBe(1);
  const again = await applyDeployment(deployment('web', 0));
  expect(again.metadata?.generation).toBe(1);
  expect(again.metadata?.managedFields?.find((each) => each.manager === manager)).toMatchObject({ operation: 'Apply' });
});

test('an apply over another manager’s field is a conflict, unless forced', async () => {
  await applyDeployment(deployment('web', 0));
  const status = await refusal(applyDeployment(deployment('web', 2), 'other'));
  expect(status).toMatchObject({ code: 409, reason: 'Conflict' });
  expect(status.details?.causes).toEqual([{ reason: 'FieldManagerConflict', message: 'conflict with "spec"', field: '.spec.replicas' }]);
  expect((await applyDeployment(deployment('web', 2), 'other', true)).spec?.replicas).toBe(2);
});

test('an apply needs a field manager', async () => {
  const status = await refusal(apps.patchNamespacedDeployment({ name: 'web', namespace, body: deployment('web') }, asApply));
  expect(status).toMatchObject({ code: 422, message: expect.stringContaining('fieldManager: Required value') as string });
});

test('a dry run answers as if, and stores nothing', async () => {
  const body = deployment('web', 0);
  const made = await apps.patchNamespacedDeployment({ name: 'web', namespace, body, fieldManager: manager, dryRun: 'All' }, asApply);
  expect(made.spec?.progressDeadlineSeconds).toBe(600);
  expect(await refusal(apps.readNamespacedDeployment({ name: 'web', namespace }))).toMatchObject({ code: 404, reason: 'NotFound' });
});

test('the generic client finds the resource by discovery', async () => {
  const made: KubernetesObject = await objects.patch(
    deployment('web', 0),
    undefined,
    undefined,
    manager,
    true,
    PatchStrategy.ServerSideApply,
  );
  expect((await objects.read({ ...made, metadata: { name: 'web', namespace } })).metadata?.uid).toBe(made.metadata?.uid);
});

test('an update with a stale version is a conflict; a stale uid, too', async () => {
  const map: V1ConfigMap = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'map' }, data: { a: '1' } } });
  const next = (a: string): V1ConfigMap => ({ metadata: { name: 'map', resourceVersion: map.metadata?.resourceVersion }, data: { a } });
  await core.replaceNamespacedConfigMap({ namespace, name: 'map', body: next('2') });
  const stale = await refusal(core.replaceNamespacedConfigMap({ namespace, name: 'map', body: next('3') }));
  expect(stale).toMatchObject({
    code: 409,
    message: expect.stringContaining('the object has been modified; please apply your changes to the latest version') as string,
  });
  const other = core.deleteNamespacedConfigMap({ namespace, name: 'map', body: { preconditions: { uid: 'another' } } });
  expect(await refusal(other)).toMatchObject({ code: 409, reason: 'Conflict' });
});

test('every fault of an object is named at once, with its field', async () => {
  const body: V1Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'else' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'Web', livenessProbe: { successThreshold: 2, httpGet: { port: 80 } } }] },
      },
    },
  };
  const status = await refusal(applyDeployment(body));
  expect(status.code).toBe(422);
  expect(status.details?.causes?.map(({ field }) => field)).toEqual([
    'spec.template.metadata.labels',
    'spec.template.spec.containers[0].name',
    'spec.template.spec.containers[0].image',
    'spec.template.spec.containers[0].livenessProbe.successThreshold',
  ]);
});

test('an immutable secret stays as it is', async () => {
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'env' }, immutable: true, stringData: { a: 'b' } } });
  const status = await refusal(core.patchNamespacedSecret({ namespace, name: 'env', body: { stringData: { a: 'c' } } }, asMerge));
  expect(status.message).toBe('Secret "env" is invalid: data: Forbidden: field is immutable when `immutable` is set');
});

test('lists come in pages, by labels and by fields', async () => {
  for (const name of ['a', 'b', 'c']) {
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { letter: name } } } });
  }
  const first = await core.listNamespacedConfigMap({ namespace, limit: 2 });
  expect([first.items.map(({ metadata }) => metadata?.name), first.metadata?.remainingItemCount]).toEqual([['a', 'b'], 1]);
  const second = await core.listNamespacedConfigMap({ namespace, limit: 2, _continue: first.metadata?._continue });
  expect(second.items.map(({ metadata }) => metadata?.name)).toEqual(['c']);
  const byLabel = await core.listNamespacedConfigMap({ namespace, labelSelector: 'letter in (a, c)' });
  expect(byLabel.items.map(({ metadata }) => metadata?.name)).toEqual(['a', 'c']);
  const byField = await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=b' });
  expect(byField.items.map(({ metadata }) => metadata?.name)).toEqual(['b']);
});

test('pages of all namespaces are in the order of keys, as etcd has them', async () => {
  const namespaces = [`${namespace}-b`, namespace];
  await core.createNamespace({ body: { metadata: { name: `${namespace}-b` } } });
  for (const each of namespaces)
    await core.createNamespacedConfigMap({ namespace: each, body: { metadata: { name: 'a', labels: { spec: namespace } } } });
  const found: (string | undefined)[] = [];
  let next: string | undefined;
  do {
    const page = await core.listConfigMapForAllNamespaces({ labelSelector: `spec=${namespace}`, limit: 1, _continue: next });
    found.push(...page.items.map(({ metadata }) => metadata?.namespace));
    next = page.metadata?._continue;
  } while (next);
  expect(found).toEqual(namespaces);
});

test('an informer sees what is there, what changes and what goes', async () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'before' } } });
  const informer = makeInformer<V1ConfigMap>(config, path, () => core.listNamespacedConfigMap({ namespace }));
  const seen: string[] = [];
  const heard = new Promise<void>((resolve) => {
    informer.on('add', ({ metadata }) => seen.push(`add ${metadata?.name ?? ''}`));
    informer.on('update', ({ metadata, data }) => seen.push(`update ${metadata?.name ?? ''} ${data?.a ?? ''}`));
    informer.on('delete', ({ metadata }) => {
      seen.push(`delete ${metadata?.name ?? ''}`);
      resolve();
    });
  });
  await informer.start();
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'after' } } });
  await core.patchNamespacedConfigMap({ namespace, name: 'after', body: { data: { a: 'b' } } }, asMerge);
  await core.deleteNamespacedConfigMap({ namespace, name: 'after' });
  await heard;
  await informer.stop();
  expect(seen).toEqual(['add before', 'add after', 'update after b', 'delete after']);
});

test('a deployment comes up, and takes what it owns with it', async () => {
  await applyDeployment(deployment('web', 2));
  await until(() => (sandbox.store.get<V1Deployment>('deployments', namespace, 'web')?.status?.readyReplicas ?? 0) === 2);
  const log = await core.readNamespacedPodLog({
    namespace,
    name: (await core.listNamespacedPod({ namespace })).items[0]?.metadata?.name ?? '',
  });
  expect(typeof log).toBe('string');
  await apps.deleteNamespacedDeployment({ name: 'web', namespace, propagationPolicy: 'Background' });
  await until(() => sandbox.store.list('replicasets', namespace).length + sandbox.store.list('pods', namespace).length === 0);
  expect((await core.listNamespacedPod({ namespace })).items).toEqual([]);
});

describe('a command in a container', () => {
  let pod: string;

  beforeEach(async () => {
    await applyDeployment(deployment('web'));
    await until(() => sandbox.store.get<V1Deployment>('deployments', namespace, 'web')?.status?.readyReplicas === 1);
    pod = sandbox.store.list('pods', namespace)[0]?.metadata.name ?? '';
  });

  async function run(
    command: string[],
    stdin: Readable | null,
    container = 'web',
  ): Promise<{ stdout: string; stderr: string; status: V1Status }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const status = await new Promise<V1Status>((resolve, reject) => {
      new Exec(config).exec(namespace, pod, container, command, stdout, stderr, stdin, false, resolve).catch(reject);
    });
    const read = (stream: PassThrough): string => ((stream.read() as Buffer | null) ?? '').toString();
    return { stdout: read(stdout), stderr: read(stderr), status };
  }

  test('has its output, its errors and its exit code', async () => {
    const { stdout, stderr, status } = await run(['sh', '-c', 'echo out; echo err >&2; exit 3'], null);
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
    expect(status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
  });

  test('reads its input to the end', async () => {
    expect(await run(['wc', '-l'], Readable.from(['a\n', 'b\n']))).toMatchObject({
      stdout: expect.stringMatching(/2/) as string,
      status: { status: 'Success' },
    });
  });

  test('in a container that is not there is refused', async () => {
    await expect(run(['true'], null, 'nope')).rejects.toMatchObject({ message: 'Unexpected server response: 400' });
  });
});

test('a deployment deleted in the foreground goes after its pods', async () => {
  await applyDeployment(deployment('web'));
  await until(() => sandbox.store.list('pods', namespace).length === 1);
  const order: string[] = [];
  const unsubscribe = sandbox.store.onChange(({ type, resource, object }) => {
    if (type === 'DELETED' && object.metadata.namespace === namespace) order.push(resource);
  });
  await apps.deleteNamespacedDeployment({ name: 'web', namespace, propagationPolicy: 'Foreground' });
  await until(() => !sandbox.store.get('deployments', namespace, 'web'));
  unsubscribe();
  expect(order.filter((resource) => resource !== 'events')).toEqual(['pods', 'replicasets', 'deployments']);
});

test('orphaned objects stay', async () => {
  await applyDeployment(deployment('web', 0));
  await until(() => sandbox.store.list('replicasets', namespace).length === 1);
  await apps.deleteNamespacedDeployment({ name: 'web', namespace, propagationPolicy: 'Orphan' });
  await until(() => !sandbox.store.get('deployments', namespace, 'web'));
  const [left] = (await apps.listNamespacedReplicaSet({ namespace })).items;
  expect([left?.metadata?.name, left?.metadata?.ownerReferences]).toEqual([expect.stringMatching(/^web-/), undefined]);
});

test('a namespace takes no new objects while it ends, then it is gone with all it held', async () => {
  await applyDeployment(deployment('web'));
  await until(() => sandbox.store.list('pods', namespace).length === 1);
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'last', finalizers: ['keelson.test/hold'] } } });
  const ending = await core.deleteNamespace({ name: namespace });
  expect((ending as { status?: { phase?: string } }).status?.phase).toBe('Terminating');
  const late = await refusal(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'late' } } }));
  expect(late).toMatchObject({
    code: 403,
    message: `configmaps "late" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] },
  });
  await core.patchNamespacedConfigMap({ name: 'last', namespace, body: { metadata: { finalizers: null } } }, asMerge);
  await until(() => !sandbox.store.get('namespaces', undefined, namespace));
  expect(['deployments', 'replicasets', 'pods', 'serviceaccounts'].flatMap((of) => sandbox.store.list(of, namespace))).toEqual([]);
  expect(await refusal(core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'later' } } }))).toMatchObject({
    code: 404,
    message: `namespaces "${namespace}" not found`,
  });
});

test('a namespace that something holds says what, and ends when that lets go', async () => {
  const metadata = { name: 'held', finalizers: ['keelson.test/hold'] };
  await core.createNamespacedConfigMap({ namespace, body: { metadata } });
  await core.deleteNamespace({ name: namespace });
  await until(() => conditionsOf(namespace).includes('NamespaceFinalizersRemaining=True'));
  const { status } = (await core.readNamespace({ name: namespace })) as { status?: { conditions?: { message?: string }[] } };
  expect(status?.conditions?.map(({ message }) => message)).toEqual(
    expect.arrayContaining([
      'Some resources are remaining: configmaps. has 1 resource instances',
      'Some content in the namespace has finalizers remaining: keelson.test/hold in 1 resource instances',
    ]),
  );
  expect((await refusal(core.createNamespace({ body: { metadata: { name: namespace } } }))).message).toBe(
    `object is being deleted: namespaces "${namespace}" already exists`,
  );
  await core.patchNamespacedConfigMap({ name: 'held', namespace, body: { metadata: { finalizers: null } } }, asMerge);
  await until(() => !sandbox.store.get('namespaces', undefined, namespace));
});

const conditionsOf = (name: string): string[] => {
  const found = sandbox.store.get<{ status: { conditions?: { type: string; status: string }[] } }>('namespaces', undefined, name);
  return found?.status.conditions?.map(({ type, status }) => `${type}=${status}`) ?? [];
};

test.each([
  ['configmaps?resourceVersion=99999999999999', 504, 'Timeout: Too large resource version'],
  ['configmaps?resourceVersion=x', 500, 'resourceVersion: Invalid value: "x"'],
  ['configmaps?watch=1&resourceVersion=x', 500, 'resourceVersion: Invalid value: "x"'],
  ['pods/none/log?tailLines=-1', 422, 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
  ['pods/none/log?limitBytes=0&sinceSeconds=0', 422, 'sinceSeconds: Invalid value: 0: must be greater than 0'],
  ['pods/none/log?sinceSeconds=1&sinceTime=2000-01-01T00:00:00Z', 422, '[]: Forbidden: at most one of'],
])('%s is answered %i', async (path, code, words) => {
  const response = await fetch(`${sandbox.url}/api/v1/namespaces/${namespace}/${path}`);
  expect([response.status, ((await response.json()) as V1Status).message]).toEqual([code, expect.stringContaining(words)]);
});

test('the log of a pod that no node has is no content', async () => {
  const body = { metadata: { name: 'nowhere' }, spec: { nodeSelector: { nope: '1' }, containers: [{ name: 'web', image: 'web:1' }] } };
  await core.createNamespacedPod({ namespace, body });
  expect((await fetch(`${sandbox.url}/api/v1/namespaces/${namespace}/pods/nowhere/log`)).status).toBe(204);
});

test('a quota refuses the pod that is too many, and its status tells what is used', async () => {
  await core.createNamespacedResourceQuota({ namespace, body: { metadata: { name: 'few' }, spec: { hard: { pods: '1' } } } });
  const pod = (name: string): { metadata: { name: string }; spec: { containers: { name: string; image: string }[] } } => ({
    metadata: { name },
    spec: { containers: [{ name: 'web', image: 'web:1' }] },
  });
  await core.createNamespacedPod({ namespace, body: pod('one') });
  const status = await refusal(core.createNamespacedPod({ namespace, body: pod('two') }));
  expect(status).toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message: 'pods "two" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1',
  });
  const { status: used } = await core.readNamespacedResourceQuota({ namespace, name: 'few' });
  expect(used).toMatchObject({ hard: { pods: '1' }, used: { pods: '1' } });
});

test('a limit range gives containers what they don’t say', async () => {
  const limits = [{ type: 'Container', _default: { cpu: '500m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' } }];
  await core.createNamespacedLimitRange({ namespace, body: { metadata: { name: 'limits' }, spec: { limits } } });
  const pod = await core.createNamespacedPod({
    namespace,
    body: { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  });
  expect(pod.spec?.containers[0]?.resources).toEqual({ limits: { cpu: '500m' }, requests: { cpu: '100m' } });
});

test('scaling by the subresource changes the replicas', async () => {
  await applyDeployment(deployment('web', 0));
  const scale = await apps.patchNamespacedDeploymentScale({ namespace, name: 'web', body: { spec: { replicas: 2 } } }, asMerge);
  expect(scale.spec?.replicas).toBe(2);
  expect((await apps.readNamespacedDeployment({ namespace, name: 'web' })).spec?.replicas).toBe(2);
});

test.each<[method: string, path: string, body: string | undefined, code: number, words: string]>([
  ['POST', '/api/v1/namespaces', '{bad', 400, 'json parse error'],
  ['POST', '/api/v1/namespaces', '[]', 400, 'the object provided is unrecognized'],
  ['GET', '/apis/batch/v1/jobs', undefined, 501, 'sandbox'],
  ['GET', '/apis/policy.k8s.io/v1', undefined, 501, 'sandbox'],
  ['GET', '/apis/cert-manager.io/v1', undefined, 404, 'could not find the requested resource'],
  ['GET', '/api/v1/namespaces/default/pods/a/exec', undefined, 400, 'Upgrade request required'],
  ['POST', '/api/v1/namespaces/default/pods/a/portforward', undefined, 501, 'sandbox'],
  ['POST', '/api/v1/namespaces/default/pods/a', '{}', 405, 'does not allow this method'],
  ['GET', '/api/v1/namespaces/default/pods/a/zip', undefined, 404, 'could not find the requested resource'],
])('%s %s is answered in words', async (method, path, body, code, words) => {
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  });
  expect([response.status, await response.json()]).toEqual([
    code,
    expect.objectContaining({ kind: 'Status', code, message: expect.stringContaining(words) as string }),
  ]);
});

test('kubectl gets its columns', async () => {
  await applyDeployment(deployment('web', 0));
  const response = await fetch(`${sandbox.url}/apis/apps/v1/namespaces/${namespace}/deployments`, {
    headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' },
  });
  const { kind, columnDefinitions, rows } = (await response.json()) as {
    kind: string;
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[] }[];
  };
  expect(kind).toBe('Table');
  expect(columnDefinitions.map(({ name }) => name).slice(0, 4)).toEqual(['Name', 'Ready', 'Up-to-date', 'Available']);
  expect(rows[0]?.cells.slice(0, 4)).toEqual(['web', '0/0', 0, 0]);
});
