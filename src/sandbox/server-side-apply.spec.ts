import { ApiError } from './api-error.ts';
import { decode, type JsonObject } from './schema.ts';
import { apply, recordUpdate, type ManagedFieldsEntry } from './server-side-apply.ts';

type Object = JsonObject & {
  metadata: JsonObject;
  data?: JsonObject;
  spec: { replicas?: number; template: { spec: { containers: JsonObject[] } } };
};

const configMap = (data: JsonObject, labels?: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'map', ...(labels ? { labels } : {}) },
  data,
});

const deployment = (containers: JsonObject[], spec: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers } }, ...spec },
});

/** What the store does with an applied object, less defaults. */
function applied(live: JsonObject | undefined, config: JsonObject, manager: string, force = false, time = '2026-01-01T00:00:00Z'): Object {
  const { object, managedFields } = apply(live, config, manager, force, time);
  const { value } = decode(config.kind as string, object);
  return { ...value, metadata: { ...(value.metadata as JsonObject), managedFields } } as unknown as Object;
}

/** What the store does with an update. */
function updated(live: JsonObject, next: JsonObject, manager: string): Object {
  const { value } = decode(live.kind as string, next);
  const managedFields = recordUpdate(live, value, manager, '2026-01-02T00:00:00Z');
  return { ...value, metadata: { ...(value.metadata as JsonObject), managedFields } } as unknown as Object;
}

const owners = ({ metadata }: Object): Record<string, JsonObject> =>
  Object.fromEntries(
    (metadata.managedFields as ManagedFieldsEntry[]).map(({ manager, operation, fieldsV1 }) => [`${manager} ${operation}`, fieldsV1]),
  );

function refusal(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('server-side apply', () => {
  test('what is applied to nothing is the object, and its leaves are the manager’s', () => {
    const object = applied(undefined, configMap({ a: '1', b: '2' }, { x: 'y' }), 'k');
    expect(object.data).toEqual({ a: '1', b: '2' });
    expect(owners(object)).toEqual({ 'k Apply': { 'f:data': { 'f:a': {}, 'f:b': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } } });
  });

  test('a field that its manager leaves out goes; one that nobody applied stays', () => {
    const first = applied(undefined, configMap({ a: '1', b: '2' }), 'k');
    const withOther = updated(first, { ...first, data: { ...first.data, c: '3' } }, 'other');
    expect(applied(withOther, configMap({ a: '1' }), 'k').data).toEqual({ a: '1', c: '3' });
  });

  test('a field stays as long as another manager owns it, too', () => {
    const both = applied(applied(undefined, configMap({ a: '1' }), 'k'), configMap({ a: '1' }), 'l');
    const one = applied(both, configMap({}), 'k');
    expect(one.data).toEqual({ a: '1' });
    expect(Object.keys(owners(one))).toEqual(['l Apply']);
    expect(applied(one, configMap({}), 'l').data).toBeUndefined();
  });

  test('changing what another manager owns is a conflict that names manager and field', () => {
    const mine = applied(undefined, configMap({ a: '1', b: '2' }), 'k');
    const one = refusal(() => applied(mine, configMap({ a: '9' }), 'l'));
    expect(one).toMatchObject({ code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "k": .data.a' });
    expect(one.details?.causes).toEqual([{ reason: 'FieldManagerConflict', message: 'conflict with "k"', field: '.data.a' }]);
    expect(refusal(() => applied(mine, configMap({ a: '9', b: '9' }), 'l')).message).toBe(
      'Apply failed with 2 conflicts: conflicts with "k":\n- .data.a\n- .data.b',
    );
  });

  test('an update takes a field over, and an apply against it names the version it was written with', () => {
    const mine = applied(undefined, configMap({ a: '1', b: '2' }), 'k');
    const theirs = updated(mine, { ...mine, data: { a: '5', b: '2' } }, 'kubectl-edit');
    expect(owners(theirs)).toEqual({ 'k Apply': { 'f:data': { 'f:b': {} } }, 'kubectl-edit Update': { 'f:data': { 'f:a': {} } } });
    expect(refusal(() => applied(theirs, configMap({ a: '1', b: '2' }), 'k')).message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-edit" using v1: .data.a',
    );
  });

  test('force takes the field from its owner', () => {
    const mine = applied(undefined, configMap({ a: '1', b: '2' }), 'k');
    const forced = applied(mine, configMap({ a: '9' }), 'l', true);
    expect(forced.data).toEqual({ a: '9', b: '2' });
    expect(owners(forced)).toEqual({ 'k Apply': { 'f:data': { 'f:b': {} } }, 'l Apply': { 'f:data': { 'f:a': {} } } });
  });

  test('applying the same again changes nothing, not even the time', () => {
    const first = applied(undefined, configMap({ a: '1' }), 'k');
    expect(applied(first, configMap({ a: '1' }), 'k', false, '2027-01-01T00:00:00Z')).toEqual(first);
  });

  test('containers, variables and ports are told apart by their keys; lists without keys are replaced', () => {
    const web = { name: 'web', image: 'web:1', args: ['a', 'b'], env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] };
    const first = applied(undefined, deployment([web]), 'k');
    const side = applied(first, deployment([{ name: 'side', image: 'side:1' }]), 'l');
    const changed = applied(
      side,
      deployment([{ ...web, args: ['c'], env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 80, protocol: 'TCP' }] }]),
      'k',
    );
    expect(changed.spec.template.spec.containers).toMatchObject([
      { name: 'web', args: ['c'], env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 80, protocol: 'TCP' }] },
      { name: 'side', image: 'side:1' },
    ]);
    expect(owners(changed)['l Apply']).toMatchObject({
      'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"side"}': { '.': {}, 'f:image': {}, 'f:name': {} } } } } },
    });
  });

  test('a container that its manager drops goes as a whole, defaults of the server included', () => {
    const first = applied(
      undefined,
      deployment([
        { name: 'web', image: 'web:1' },
        { name: 'side', image: 'side:1' },
      ]),
      'k',
    );
    const containers = first.spec.template.spec.containers.map((container) => ({ ...container, imagePullPolicy: 'Always' }));
    const live = { ...first, spec: { ...first.spec, template: { ...first.spec.template, spec: { containers } } } };
    const { spec } = applied(live, deployment([{ name: 'web', image: 'web:1' }]), 'k');
    expect(spec.template.spec.containers).toMatchObject([{ name: 'web', imagePullPolicy: 'Always' }]);
  });

  test.each<[what: string, config: JsonObject, words: string]>([
    ['a field that the kind does not have', deployment([], { replicaz: 1 }), '.spec.replicaz: field not declared in schema'],
    [
      'a field that a container does not have',
      deployment([{ name: 'web', imagex: 'a' }]),
      '.spec.template.spec.containers[name="web"].imagex: field not declared in schema',
    ],
    ['a string for a number', deployment([], { replicas: '3' }), '.spec.replicas: expected numeric (int or float), got string "3"'],
    ['a number for a string', configMap({ a: 1 }), '.data.a: expected string, got number 1'],
    ['an object for a list', deployment({} as never), '.spec.template.spec.containers: expected list, got map {}'],
    [
      'the same variable twice',
      deployment([{ name: 'web', env: [{ name: 'A' }, { name: 'A' }] }]),
      '.env: duplicate entries for key [name="A"]',
    ],
    [
      'a list item without its key',
      deployment([{ image: 'a' }]),
      '.containers: element 0: associative list with keys has an element that omits key field "name"',
    ],
  ])('%s is refused with its path', (_what, config, words) => {
    const error = refusal(() => applied(undefined, config, 'k'));
    expect(error.message).toContain('failed to create typed patch object: ');
    expect(error.message).toContain(words);
  });

  test('every fault of the schema is named at once', () => {
    expect(refusal(() => applied(undefined, deployment([{ name: 'web', imagex: 'a' }], { replicas: 'x' }), 'k')).message).toMatch(
      /errors:\n {2}\.spec\.template.*\n {2}\.spec\.replicas/,
    );
  });

  test('managed fields may not be applied', () => {
    const config = { ...configMap({}), metadata: { name: 'map', managedFields: [] } };
    expect(refusal(() => applied(undefined, config, 'k')).message).toBe('metadata.managedFields must be nil');
  });
});
