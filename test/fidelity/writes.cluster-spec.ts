import { comparable, newNamespace, startSides, type Call, type ClusterSides, type Json } from './cluster-sides.ts';

/** Writes of every kind, and reads after them: what the API answers, one request after the other. */

interface Step extends Call {
  what: string;
  /** Fields, by their name, that are known to differ; see the words beside them. */
  ignore?: string[];
}

const namespace = newNamespace('writes');
const core = `/api/v1/namespaces/${namespace}`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
const ingresses = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`;
const autoscalers = `/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`;
const policies = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`;
const roleBindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;

const asApply = 'application/apply-patch+yaml';
const asMerge = 'application/merge-patch+json';
const asStrategic = 'application/strategic-merge-patch+json';
const asJson = 'application/json-patch+json';

const configMap = (data: Json, metadata: Json = {}): Json => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'map', ...metadata },
  data,
});

const deployment = (name: string, spec: Json = {}, container: Json = {}, pod: Json = {}): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    replicas: 0,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'web', image: 'web:1', ...container }], ...pod } },
    ...spec,
  },
});

const applied = (what: string, path: string, body: Json, options = '', ignore?: string[]): Step => ({
  what,
  method: 'PATCH',
  path: `${path}?fieldManager=parity${options}`,
  body,
  type: asApply,
  ignore,
});

const applyWeb = (what: string, spec: Json = {}, container: Json = {}, pod: Json = {}, ignore?: string[]): Step =>
  applied(what, `${deployments}/web`, deployment('web', spec, container, pod), '', ignore);

const post = (what: string, path: string, body: Json, ignore?: string[]): Step => ({ what, method: 'POST', path, body, ignore });
const patch = (what: string, path: string, body: Json | Json[], type = asMerge, ignore?: string[]): Step => ({
  what,
  method: 'PATCH',
  path,
  body,
  type,
  ignore,
});
const get = (what: string, path: string, accept?: string): Step => ({ what, method: 'GET', path, accept });
const remove = (what: string, path: string, body?: Json, ignore?: string[]): Step => ({ what, method: 'DELETE', path, body, ignore });

const roleBinding = (role: string, account = 'keelson'): Json => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'keelson', labels: { app: 'demo' } },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
  subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
});

const networkPolicy = (spec: Json, namespaces = ['ingress', 'platform']): Json => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'web' },
  spec: {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [
          { podSelector: {} },
          { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces }] } },
        ],
      },
    ],
    ...spec,
  },
});

const rollingUpdate = (maxSurge: unknown, maxUnavailable: unknown): Json => ({ strategy: { rollingUpdate: { maxSurge, maxUnavailable } } });
// a controller may or may not have been there yet
const status = ['status', 'annotations', 'f:annotations', 'f:status', 'managedFields'];

const steps: Step[] = [
  applied('apply of a config map', `${core}/configmaps/map`, configMap({ a: '1', b: '2' }, { labels: { x: 'y' } })),
  applied('apply that leaves a key out', `${core}/configmaps/map`, configMap({ a: '1' }, { labels: { x: 'y' } })),
  applied('apply by a second manager', `${core}/configmaps/map`, configMap({ c: '1' }), '-two'),
  applied('apply over another manager', `${core}/configmaps/map`, configMap({ a: '2', c: '1' }), '-two'),
  applied('forced apply', `${core}/configmaps/map`, configMap({ a: '2', c: '1' }), '-two&force=true'),
  applied('apply of nothing', `${core}/configmaps/map`, configMap({}), ''),
  patch('merge patch', `${core}/configmaps/map`, { data: { z: '1', c: null } }),
  patch('merge patch with force', `${core}/configmaps/map?fieldManager=parity&force=true`, configMap({ z: '3' })),
  applied('apply with a stale version', `${core}/configmaps/map`, configMap({ a: '2' }, { resourceVersion: '1' }), '-two'),
  // Kubernetes repeats the cause
  applied('apply with another uid', `${core}/configmaps/map`, configMap({ a: '2' }, { uid: '1' }), '-two', ['causes']),
  patch('patch of the name', `${core}/configmaps/map`, { metadata: { name: 'other' } }),
  patch('patch with a stale version', `${core}/configmaps/map`, { metadata: { resourceVersion: '1' } }),
  patch('patch to bad labels', `${core}/configmaps/map`, { metadata: { labels: { 'a b': 'c d' } } }, asMerge, ['causes']),
  patch('JSON patch', `${core}/configmaps/map`, [{ op: 'add', path: '/data/q', value: '1' }], asJson),
  patch('JSON patch that does not fit', `${core}/configmaps/map`, [{ op: 'remove', path: '/data/nope' }], asJson),
  { what: 'put', method: 'PUT', path: `${core}/configmaps/map`, body: configMap({ n: '1' }) },
  { what: 'put of what is not there', method: 'PUT', path: `${core}/configmaps/nope`, body: configMap({}, { name: 'nope' }) },
  { what: 'apply without a manager', method: 'PATCH', path: `${core}/configmaps/map`, body: configMap({}), type: asApply },
  applied('dry run', `${core}/configmaps/none`, configMap({ a: '1' }, { name: 'none' }), '&dryRun=All'),
  get('the dry run left nothing', `${core}/configmaps/none`),
  applied('apply with a uid of what is not there', `${core}/configmaps/none`, configMap({}, { name: 'none', uid: 'x' })),
  post('create with a version', `${core}/configmaps`, configMap({}, { resourceVersion: '3' })),
  post('create with bad names', `${core}/configmaps`, configMap({ 'a b': 'c' }, { name: 'x y' })),
  post('create without a name', `${core}/configmaps`, { metadata: {} }),
  post('create in a namespace that is not there', '/api/v1/namespaces/not-there/configmaps', configMap({})),
  post('create in another namespace than the path', `${core}/configmaps`, configMap({}, { namespace: 'other' })),

  applyWeb(
    'apply of a deployment that is wrong in many ways',
    rollingUpdate(0, 0),
    {
      name: 'C',
      image: '',
      env: [{ name: '1a' }, { name: 'b', valueFrom: { secretKeyRef: { name: '', key: '' } } }],
      ports: [{ containerPort: 70000, protocol: 'TCP' }],
      resources: { requests: { cpu: '2' }, limits: { cpu: '1', foo: '1' } },
      livenessProbe: { successThreshold: 2 },
      imagePullPolicy: 'X',
      volumeMounts: [{ name: 'q', mountPath: '/x' }],
    },
    { restartPolicy: 'Never', volumes: [{ name: 'v', secret: {} }] },
  ),
  applyWeb(
    'apply of a deployment',
    {},
    {
      env: [
        { name: 'A', value: '' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      ports: [{ containerPort: 5000 }],
      readinessProbe: { httpGet: { port: 5000 } },
      livenessProbe: { exec: { command: ['a'] }, initialDelaySeconds: 0 },
      resources: { limits: { cpu: '0.5', memory: '1024Mi' } },
      securityContext: { runAsUser: 0, runAsNonRoot: false },
      stdin: false,
    },
  ),
  applyWeb('apply of another selector', { selector: { matchLabels: { a: 'c' } } }),
  applyWeb('apply that drops probes', {}, { env: [{ name: 'C', value: '1' }] }),
  applyWeb('apply of an unknown field', { replicaz: 0 }),
  applyWeb(
    'apply of the same variable twice',
    {},
    {
      env: [
        { name: 'C', value: '1' },
        { name: 'C', value: '2' },
      ],
    },
  ),
  applyWeb('apply of a bad quantity', {}, { resources: { limits: { cpu: 'abc' } } }, {}, ['message']),
  applyWeb(
    'apply of minus one replica',
    { replicas: -1 },
    { readinessProbe: { tcpSocket: { port: 1 } }, livenessProbe: { tcpSocket: { port: 1 } } },
  ),
  applyWeb('apply of a bad share', rollingUpdate('x%', 1), {
    readinessProbe: { tcpSocket: { port: 1 } },
    livenessProbe: { tcpSocket: { port: 1 } },
  }),
  applied('apply to one container of another manager', `${deployments}/second`, deployment('second')),
  applied(
    'apply of a second container',
    `${deployments}/second`,
    { ...deployment('second'), spec: { template: { spec: { containers: [{ name: 'side', image: 'side:1' }] } } } },
    '-two',
    status,
  ),
  applied(
    'the second container goes again',
    `${deployments}/second`,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'second' },
      spec: { template: { metadata: { annotations: { x: 'y' } } } },
    },
    '-two',
    status,
  ),
  patch(
    'restart as kubectl does',
    `${deployments}/second`,
    { spec: { template: { metadata: { annotations: { restartedAt: 'x' } } } } },
    asStrategic,
    status,
  ),
  patch(
    'strategic patch of a variable',
    `${deployments}/second`,
    { spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'Z', value: '1' }] }] } } } },
    asStrategic,
    status,
  ),
  patch('scale', `${deployments}/second/scale`, { spec: { replicas: 0 } }),
  post('create of what is there', deployments, deployment('second')),
  post('create of a deployment without a spec', deployments, { metadata: { name: 'empty' } }),
  get('deployments by a label', `${deployments}?labelSelector=app%20in%20(none,nothing)`),

  post('an immutable secret', `${core}/secrets`, { metadata: { name: 'fixed' }, immutable: true, stringData: { a: 'b' } }),
  patch('change of an immutable secret', `${core}/secrets/fixed`, { stringData: { a: 'c' }, type: 'x' }),
  post('a certificate without its parts', `${core}/secrets`, { metadata: { name: 'tls' }, type: 'kubernetes.io/tls' }),
  post('a service that is wrong in many ways', `${core}/services`, {
    metadata: { name: '1x' },
    spec: { ports: [{ port: 0 }, { port: 1 }] },
  }),
  post('a service', `${core}/services`, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }], selector: { a: 'b' } } }),
  patch('change of a cluster address', `${core}/services/web`, { spec: { clusterIP: '10.96.3.3' } }),
  post('a service without an address', `${core}/services`, {
    metadata: { name: 'headless' },
    spec: { clusterIP: 'None', selector: { a: 'b' } },
  }),
  applied('apply of a service whose port has no protocol', `${core}/services/web`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { ports: [{ port: 81 }] },
  }),
  post('an autoscaler that is wrong', autoscalers, { metadata: { name: 'web' }, spec: { maxReplicas: 0 } }),
  post('an autoscaler', autoscalers, {
    metadata: { name: 'web' },
    spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'none', apiVersion: 'apps/v1' } },
  }),
  // Kubernetes 1.20 names the group that ingresses once had
  post('an ingress without rules', ingresses, { metadata: { name: 'web' }, spec: {} }, ['group', 'message']),
  applied('apply of an ingress', `${ingresses}/web`, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web' },
    spec: {
      tls: [{ hosts: ['a.b'], secretName: 's' }],
      rules: [
        { host: 'a.b', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } },
      ],
    },
  }),
  post('a role binding', roleBindings, {
    metadata: { name: 'rb:x' },
    roleRef: { kind: 'ClusterRole', name: 'view' },
    subjects: [
      { kind: 'User', name: 'u' },
      { kind: 'ServiceAccount', name: 'default', namespace },
    ],
  }),

  applied('apply of a role binding', `${roleBindings}/keelson`, roleBinding('view')),
  applied('apply of another subject', `${roleBindings}/keelson`, roleBinding('view', 'other')),
  applied('apply of another role', `${roleBindings}/keelson`, roleBinding('edit')),
  remove('deletion of the role binding', `${roleBindings}/keelson`),

  applied('apply of a network policy', `${policies}/web`, networkPolicy({})),
  applied('apply of other namespaces', `${policies}/web`, networkPolicy({}, ['other'])),
  applied('apply without a type', `${policies}/web`, networkPolicy({ policyTypes: undefined })),
  // Kubernetes 1.20 says it of the kind's old group, and each fault twice
  applied('apply of a network policy that is wrong', `${policies}/web`, networkPolicy({ policyTypes: ['Sideways'] }, []), '', [
    'causes',
    'group',
    'message',
  ]),
  get('network policies as a table', policies, 'application/json;as=Table;v=v1;g=meta.k8s.io'),
  remove('deletion of the network policy', `${policies}/web`),

  applyWeb(
    'apply of a deployment whose pods are kept from what they need not',
    {},
    { securityContext: { allowPrivilegeEscalation: false } },
    { automountServiceAccountToken: false, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
    status,
  ),

  post('a pod with a service account that is not there', `${core}/pods`, {
    metadata: { name: 'p' },
    spec: { serviceAccountName: 'nope', containers: [{ name: 'c' }] },
  }),
  post('a pod without an image', `${core}/pods`, { metadata: { name: 'P_' }, spec: { containers: [{ name: 'c' }] } }),
  // Kubernetes 1.20 mounts the token of the service account
  post(
    'a pod that no node takes',
    `${core}/pods`,
    { metadata: { name: 'p' }, spec: { nodeSelector: { nope: '1' }, containers: [{ name: 'c', image: 'x:latest' }] } },
    ['volumes', 'volumeMounts'],
  ),
  remove('deletion of another pod of the name', `${core}/pods/p`, { preconditions: { uid: 'x' } }),
  remove('deletion of the pod', `${core}/pods/p`, undefined, [...status, 'volumes', 'volumeMounts']),
  remove('deletion of what is gone', `${core}/pods/p`),
  remove('deletion by an unknown policy', `${core}/configmaps/map?propagationPolicy=Bar`),
  remove('deletion of a config map', `${core}/configmaps/map`),
  get('an unknown field selector', `${core}/pods?fieldSelector=spec.foo=x`),
  get('a broken label selector', `${core}/pods?labelSelector=a=b=c`),
  get('a broken limit', `${core}/pods?limit=x`),
  get('an unknown subresource', `${core}/pods/p/zip`),
  { what: 'a method that is not there', method: 'POST', path: `${core}/pods/p`, body: {} },
  get('services as a table', `${core}/services`, 'application/json;as=Table;v=v1;g=meta.k8s.io'),
  get('services as metadata', `${core}/services`, 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'),
];

let sides: ClusterSides;

beforeAll(async () => {
  sides = await startSides();
  for (const side of sides.both) await side.makeNamespace(namespace);
});

afterAll(async () => {
  await sides.real.removeNamespace(namespace);
  await sides.stop();
});

test.each(steps)('$what', async (step) => {
  const expected = await sides.real.send(step);
  const answer = await sides.sandbox.send(step);
  expect(comparable(answer, step.ignore)).toEqual(comparable(expected, step.ignore));
});
