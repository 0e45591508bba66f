import type { FieldsV1, KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { differences, quantity, stamped } from './differs.ts';

const object = (spec: unknown, metadata: object = {}): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'thing', ...metadata },
  spec,
});

const paths = (wanted: KubernetesObject, live: KubernetesObject): string[] => differences(wanted, live).map(({ path }) => path);

describe('what differs between a wanted and a live object', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['equal', { replicas: 1 }, { replicas: 1 }, []],
    ['a default that the server filled in', { replicas: 1 }, { replicas: 1, progressDeadlineSeconds: 600 }, []],
    ['a changed number', { replicas: 1 }, { replicas: 2 }, ['spec.replicas']],
    ['a missing field', { replicas: 0 }, {}, ['spec.replicas']],
    ['an empty map that the server dropped', { selector: {} }, {}, []],
    ['a nested map that is gone', { template: { a: 1, b: {} } }, {}, ['spec.template.a']],
    ['equal quantities spelt otherwise', { limits: { cpu: '0.5', memory: '1Gi' } }, { limits: { cpu: '500m', memory: '1024Mi' } }, []],
    ['unequal quantities', { limits: { cpu: '1' } }, { limits: { cpu: '100m' } }, ['spec.limits.cpu']],
    ['texts that only look like quantities', { value: '1' }, { value: '1000m' }, ['spec.value']],
    [
      'elements found by name, in another order, beside others',
      { env: [{ name: 'A', value: '1' }] },
      {
        env: [
          { name: 'Z', value: '2' },
          { name: 'A', value: '1' },
        ],
      },
      [],
    ],
    ['an element changed', { env: [{ name: 'A', value: '1' }] }, { env: [{ name: 'A', value: '2' }] }, ['spec.env[name=A].value']],
    ['an element gone', { env: [{ name: 'A' }] }, { env: [] }, ['spec.env[name=A]']],
    ['a plain list in another order', { args: ['a', 'b'] }, { args: ['b', 'a'] }, ['spec.args[0]', 'spec.args[1]']],
    ['a longer plain list', { args: ['a'] }, { args: ['a', 'b'] }, ['spec.args']],
  ])('%s', (_, wanted, live, expected) => {
    expect(paths(object(wanted), object(live))).toEqual(expected);
  });

  it('sees that a field was taken away, by the hash of the manifest that was applied', () => {
    const before = stamped(object({ selector: { app: 'a', type: 'web' } }));
    const after = stamped(object({ selector: { app: 'a' } }));
    expect(paths(after, before)).toEqual(['metadata.annotations.keelson.dev/applied']);
    expect(paths(after, after)).toEqual([]);
  });
});

describe('what somebody else owns', () => {
  const ours = (fieldsV1: FieldsV1): object => ({ managedFields: [{ manager: 'keelson', operation: 'Apply', fieldsV1 }] });

  it.each<[string, unknown, unknown, FieldsV1, string[]]>([
    ['a field that is still ours', { paused: true }, { paused: true }, { 'f:spec': { 'f:paused': {} } }, []],
    ['a field that was set to the same value', { paused: true }, { paused: true }, { 'f:spec': { 'f:other': {} } }, ['spec.paused']],
    ['replicas, which an autoscaler may own', { replicas: 2 }, { replicas: 2 }, { 'f:spec': { 'f:other': {} } }, []],
    ['a list that is ours as a whole', { args: ['a'] }, { args: ['a'] }, { 'f:spec': { 'f:args': {} } }, []],
    [
      'an element by the keys that the server filled in',
      { ports: [{ name: 'http', port: 80 }] },
      { ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
      { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } } },
      [],
    ],
    [
      'a field of an element',
      { ports: [{ name: 'http', port: 80, targetPort: 1 }] },
      { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 1 }] },
      { 'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } } } },
      ['spec.ports[name=http].targetPort'],
    ],
  ])('%s', (_, wanted, live, fields, expected) => {
    expect(paths(object(wanted), object(live, ours(fields)))).toEqual(expected);
  });

  it('is everything, if Keelson owns nothing any more', () => {
    expect(paths(object({ a: 1 }), object({ a: 1 }, { managedFields: [] }))).toEqual(['spec.a']);
  });
});

it.each<[string | number, number]>([
  ['1', 1],
  [2, 2],
  ['100m', 0.1],
  ['1Ki', 1024],
  ['1k', 1000],
  ['.5', 0.5],
  ['1e3', 1000],
  ['', NaN],
  ['abc', NaN],
])('the quantity %p is %p', (text, value) => {
  expect(quantity(text)).toBe(value);
});
