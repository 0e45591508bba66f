import { OutOfReach, Refused, translate, UnknownKind } from './cluster-errors.ts';

it.each([
  ['Unrecognized API version and kind: cert-manager.io/v1 Certificate', undefined],
  ['Failed to fetch resource metadata for cert-manager.io/v1/Certificate: HTTP-Code: 404', 404],
])('a kind that the cluster lacks is named: %s', (message, code) => {
  const unknown = translate(Object.assign(new Error(message), { code }));
  expect(unknown).toBeInstanceOf(UnknownKind);
  expect(unknown.message).toBe('the cluster has no Certificate of cert-manager.io/v1: install what brings it, and try again');
});

it('not knowing for a moment which kinds there are is no lack of them', () => {
  const error = Object.assign(new Error('Failed to fetch resource metadata for cert-manager.io/v1/Certificate: HTTP-Code: 503'), {
    code: 503,
  });
  expect(translate(error)).not.toBeInstanceOf(UnknownKind);
});

it('not reaching the cluster to learn which kinds there are is no lack of them', () => {
  const error = Object.assign(new TypeError('Failed to fetch resource metadata for apps/v1/Deployment: fetch failed'), {
    cause: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
  });
  expect(translate(error)).toEqual(new OutOfReach('the API server is out of reach (ECONNREFUSED)'));
});

it('a field of a wrong type is refused, also where Kubernetes answers 500', () => {
  const message = 'failed to create typed patch object: .spec.replicas: expected numeric (int or float), got string';
  const error = Object.assign(new Error('HTTP-Code: 500'), { code: 500, body: JSON.stringify({ kind: 'Status', message, code: 500 }) });
  expect(translate(error)).toEqual(new Refused(message, 'Invalid'));
});

it.each([
  ['a header', { headers: { 'retry-after': '7' }, body: 'Too many requests, please try again later.' }],
  ['the details of its status', { headers: {}, body: JSON.stringify({ message: 'x', details: { retryAfterSeconds: 7 } }) }],
])('how long the API server asks to wait is read from %s', (_, answer) => {
  expect(translate(Object.assign(new Error('HTTP-Code: 429'), { code: 429, ...answer }))).toMatchObject({ retryAfter: 7 });
});

it.each([
  '.spec.template.spec.containers[name="a"].env: duplicate entries for key [name="B"]',
  '.spec.template.spec.imagePullSecrets: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
])('what no apply can be merged with is refused, though Kubernetes answers 500: %s', (reason) => {
  const message = `failed to create manager for existing fields: failed to convert new object (apps/v1, Kind=Deployment) to smd typed: ${reason}`;
  const error = Object.assign(new Error('HTTP-Code: 500'), { code: 500, body: JSON.stringify({ kind: 'Status', message, code: 500 }) });
  expect(translate(error)).toEqual(new Refused(message, 'Invalid'));
});

it.each([
  'pods "x" is forbidden: error looking up service account app/default: serviceaccount "default" not found',
  'pods "x" is forbidden: status unknown for quota: q, resources: pods',
  'deployments.apps "x" is forbidden: User "keelson" cannot patch resource "deployments" in API group "apps" in the namespace "app": ' +
    'RBAC: clusterrole.rbac.authorization.k8s.io "keelson" not found',
])('what the cluster will allow as soon as it is ready can be tried again: %s', (message) => {
  const error = Object.assign(new Error('HTTP-Code: 403'), { code: 403, body: JSON.stringify({ kind: 'Status', message, code: 403 }) });
  expect(translate(error)).toEqual(new OutOfReach(message));
});
