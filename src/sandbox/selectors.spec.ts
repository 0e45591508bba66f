import { ApiError } from './api-error.ts';
import { resourceOf } from './resources.ts';
import { selector } from './selectors.ts';
import type { StoredObject } from './stored-object.ts';

const pod = (labels: Record<string, string>, more: object = {}): StoredObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace: 'demo', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels },
  spec: { nodeName: 'node-1' },
  status: { phase: 'Running' },
  ...more,
});

const pods = resourceOf('pods');

test.each<[labels: string, fits: boolean]>([
  ['', true],
  ['app=demo', true],
  ['app==demo', true],
  ['app=other', false],
  ['app!=other', true],
  ['app!=demo', false],
  ['missing!=x', true],
  ['app', true],
  ['missing', false],
  ['!missing', true],
  ['!app', false],
  ['app in (demo,other)', true],
  ['app in (other)', false],
  ['app notin (other)', true],
  ['missing notin (x)', true],
  ['app=demo,type=web', true],
  ['app=demo, type=worker', false],
  ['app.kubernetes.io/managed-by=keelson', true],
  ['empty=', true],
  ['number>4', true],
  ['number<4', false],
])('the label selector "%s" fits: %s', (labels, fits) => {
  const object = pod({ app: 'demo', type: 'web', 'app.kubernetes.io/managed-by': 'keelson', empty: '', number: '5' });
  expect(selector(pods, labels, undefined)(object)).toBe(fits);
});

test.each<[fields: string, fits: boolean]>([
  ['metadata.name=web-1', true],
  ['metadata.name=web-2', false],
  ['metadata.namespace=demo,status.phase=Running', true],
  ['status.phase!=Running', false],
  ['spec.nodeName=node-1', true],
  ['spec.nodeName!=node-2', true],
])('the field selector "%s" fits: %s', (fields, fits) => {
  expect(selector(pods, undefined, fields)(pod({}))).toBe(fits);
});

test.each<[what: string, labels: string | undefined, fields: string | undefined, message: string]>([
  ['a field that is not indexed', undefined, 'spec.foo=x', 'field label not supported: spec.foo'],
  ['two equal signs apart', 'a=b=c', undefined, "found '=', expected: ',' or 'end of string'"],
  ['an empty term', 'a,,b', undefined, "found ',', expected: identifier after ','"],
  ['an open list', 'a in (b', undefined, "unable to parse requirement: found '', expected: ',' or ')'"],
])('%s is refused in Kubernetes’ words', (_what, labels, fields, message) => {
  expect(() => selector(pods, labels, fields)).toThrow(new ApiError(400, 'BadRequest', message));
});
