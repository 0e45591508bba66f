import { ApiError } from './api-error.ts';
import { furnish } from './furnish.ts';
import { Store } from './store.ts';

const container = { name: 'web', image: 'web:1' };

const deployment = (more: object = {}, pod: object = {}): object => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container], ...pod } },
    ...more,
  },
});

const withContainer = (more: object): object => deployment({}, { containers: [{ ...container, ...more }] });
const named = (name: string, more: object = {}): object => ({ metadata: { name, namespace: 'default' }, ...more });

let store: Store;

beforeEach(() => {
  store = new Store();
  furnish(store, 1);
});

/** `field: message` of each fault. */
function faults(act: () => unknown): string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError && error.code === 422)
      return error.details?.causes?.map(({ field, message }) => `${field ?? ''}: ${message}`) ?? [];
    throw error;
  }
  return [];
}

const port = 'must be between 1 and 65535, inclusive';

test.each<[what: string, resource: string, object: object, fault: string | RegExp]>([
  [
    'a network policy of an unknown type',
    'networkpolicies',
    named('web', { spec: { podSelector: {}, policyTypes: ['Sideways'] } }),
    'spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Ingress", "Egress"',
  ],
  [
    'a network policy that lets nobody in',
    'networkpolicies',
    named('web', { spec: { podSelector: {}, ingress: [{ from: [{}] }] } }),
    'spec.ingress[0].from[0]: Required value: must specify a peer',
  ],
  [
    'a network policy for no namespace',
    'networkpolicies',
    named('web', {
      spec: { podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }] }] },
    }),
    "spec.ingress[0].from[0].namespaceSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
  ],
  [
    'a name with capitals',
    'configmaps',
    named('Web'),
    /^metadata\.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist/,
  ],
  ['no name', 'configmaps', { metadata: { namespace: 'default' } }, 'metadata.name: Required value: name or generateName is required'],
  [
    'a namespace with a dot',
    'namespaces',
    { metadata: { name: 'a.b' } },
    /^metadata\.name: Invalid value: "a\.b": a lowercase RFC 1123 label/,
  ],
  [
    'a service that starts with a digit',
    'services',
    named('1a', { spec: { ports: [{ port: 80 }] } }),
    /^metadata\.name: .*a DNS-1035 label/,
  ],
  [
    'a label value with a space',
    'configmaps',
    { metadata: { name: 'a', namespace: 'default', labels: { a: 'b c' } } },
    /^metadata\.labels: Invalid value: "b c": a valid label/,
  ],
  [
    'a label of 64 letters',
    'configmaps',
    { metadata: { name: 'a', namespace: 'default', labels: { a: 'x'.repeat(64) } } },
    /^metadata\.labels: .*must be no more than 63 characters/,
  ],
  [
    'a config key with a space',
    'configmaps',
    named('a', { data: { 'b c': '' } }),
    /^data\[b c\]: Invalid value: "b c": a valid config key/,
  ],
  [
    'data beyond 1 MiB',
    'configmaps',
    named('a', { data: { a: 'x'.repeat(1024 * 1024 + 1) } }),
    ': Too long: must have at most 1048576 bytes',
  ],
  [
    'a certificate without its key',
    'secrets',
    named('a', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }),
    'data[tls.key]: Required value',
  ],
  ['no selector', 'deployments', deployment({ selector: undefined }), 'spec.selector: Required value'],
  [
    'a selector that does not fit the template',
    'deployments',
    deployment({ selector: { matchLabels: { a: 'c' } } }),
    'spec.template.metadata.labels: Invalid value: map[string]string{"a":"b"}: `selector` does not match template `labels`',
  ],
  [
    'minus one replica',
    'deployments',
    deployment({ replicas: -1 }),
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    'neither surge nor unavailable',
    'deployments',
    deployment({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
    /may not be 0 when `maxSurge` is 0$/,
  ],
  [
    'a deadline before pods count as available',
    'deployments',
    deployment({ minReadySeconds: 600 }),
    'spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds',
  ],
  ['no container', 'deployments', deployment({}, { containers: [] }), 'spec.template.spec.containers: Required value'],
  ['no image', 'deployments', withContainer({ image: '' }), 'spec.template.spec.containers[0].image: Required value'],
  [
    'two containers of a name',
    'deployments',
    deployment({}, { containers: [container, container] }),
    'spec.template.spec.containers[1].name: Duplicate value: "web"',
  ],
  [
    'a variable that starts with a digit',
    'deployments',
    withContainer({ env: [{ name: '1A' }] }),
    /^spec\.template\.spec\.containers\[0\]\.env\[0\]\.name: .*a valid environment variable name/,
  ],
  [
    'a port beyond the last',
    'deployments',
    withContainer({ ports: [{ containerPort: 70_000 }] }),
    `spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000: ${port}`,
  ],
  [
    'a request above its limit',
    'deployments',
    withContainer({ resources: { requests: { cpu: '1500m' }, limits: { cpu: '1' } } }),
    'spec.template.spec.containers[0].resources.requests: Invalid value: "1500m": must be less than or equal to cpu limit',
  ],
  [
    'a resource that is none',
    'deployments',
    withContainer({ resources: { limits: { foo: '1' } } }),
    'spec.template.spec.containers[0].resources.limits[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
  ],
  [
    'a probe that asks nothing',
    'deployments',
    withContainer({ readinessProbe: {} }),
    'spec.template.spec.containers[0].readinessProbe: Required value: must specify a handler type',
  ],
  [
    'a liveness probe that has to succeed twice',
    'deployments',
    withContainer({ livenessProbe: { successThreshold: 2, tcpSocket: { port: 1 } } }),
    'spec.template.spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
  ],
  [
    'a mount without its volume',
    'deployments',
    withContainer({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"',
  ],
  [
    'pods that are not started again',
    'deployments',
    deployment({}, { restartPolicy: 'Never' }),
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ],
  ['a service port of 0', 'services', named('a', { spec: { ports: [{ port: 0 }] } }), `spec.ports[0].port: Invalid value: 0: ${port}`],
  [
    'two ports without names',
    'services',
    named('a', { spec: { ports: [{ port: 1 }, { port: 2 }] } }),
    'spec.ports[0].name: Required value',
  ],
  [
    'an autoscaler with more at least than at most',
    'horizontalpodautoscalers',
    named('a', { spec: { minReplicas: 3, maxReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'a' } } }),
    'spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`',
  ],
  ['an ingress for nothing', 'ingresses', named('a', { spec: {} }), /either `defaultBackend` or `rules` must be specified$/],
  [
    'an ingress path without its type',
    'ingresses',
    named('a', { spec: { rules: [{ http: { paths: [{ path: '/', backend: { service: { name: 'a', port: { number: 1 } } } }] } }] } }),
    'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
  ],
])('%s is refused', (_what, resource, object, fault) => {
  const found = faults(() => store.create(resource, object));
  if (typeof fault === 'string') expect(found).toContain(fault);
  else expect(found.filter((each) => fault.test(each))).toHaveLength(1);
});

test.each<[what: string, resource: string, object: object, change: object, fault: RegExp]>([
  [
    'the selector of a deployment',
    'deployments',
    deployment(),
    deployment({ selector: { matchLabels: { a: 'c' } } }),
    /^spec\.selector: .*field is immutable$/,
  ],
  [
    'the address of a service',
    'services',
    named('a', { spec: { ports: [{ port: 80 }] } }),
    named('a', { spec: { clusterIP: '10.96.9.9', ports: [{ port: 80 }] } }),
    /^spec\.clusterIPs\[0\]: .*may not change once set$/,
  ],
  [
    'the data of an immutable secret',
    'secrets',
    named('a', { immutable: true, stringData: { a: 'b' } }),
    named('a', { immutable: true, stringData: { a: 'c' } }),
    /^data: Forbidden/,
  ],
  ['the type of a secret', 'secrets', named('a'), named('a', { type: 'other' }), /^type: .*field is immutable$/],
])('%s can not be changed', (_what, resource, object, change, fault) => {
  store.create(resource, object);
  expect(faults(() => store.update(resource, change)).filter((each) => fault.test(each))).toHaveLength(1);
});

test('a whole deployment is accepted', () => {
  const probe = { httpGet: { port: 5000 } };
  const whole = withContainer({
    env: [{ name: 'A.b_c-D', value: '' }],
    ports: [{ containerPort: 5000, name: 'http' }],
    readinessProbe: probe,
    livenessProbe: probe,
  });
  expect(faults(() => store.create('deployments', whole))).toEqual([]);
});
