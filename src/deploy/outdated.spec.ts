import type { FieldsV1, KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { stamped } from './differs.ts';
import { drifted, isOutdated } from './outdated.ts';

const ROUTABLE = 'keelson.dev/routable';
const HASH = 'keelson.dev/applied';

interface Spec {
  version?: string;
  routable?: string | null;
  restarted?: string;
  replicas?: number;
  surge?: number;
  env?: Record<string, string>;
  container?: object;
  pod?: object;
}

function deployment({
  version = 'v1',
  routable = 'true',
  restarted,
  replicas = 1,
  surge = 1,
  env = { A: '1' },
  container,
  pod,
}: Spec = {}) {
  return stamped({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'demo-web', annotations: routable === null ? {} : { [ROUTABLE]: routable } },
    spec: {
      replicas,
      strategy: { rollingUpdate: { maxSurge: surge } },
      template: {
        metadata: { labels: { version }, ...(restarted !== undefined && { annotations: { 'keelson.dev/restarted-at': restarted } }) },
        spec: {
          containers: [{ name: 'web', image: 'web:1', env: Object.entries(env).map(([name, value]) => ({ name, value })), ...container }],
          ...pod,
        },
      },
    },
  });
}

/** The set of all fields of a value, elements of lists by their names. */
function fieldsOf(value: unknown): FieldsV1 {
  if (Array.isArray(value))
    return Object.fromEntries(
      value.map((element: { name: string }) => [`k:${JSON.stringify({ name: element.name })}`, { '.': {}, ...fieldsOf(element) }]),
    );
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [`f:${name}`, fieldsOf(inner)]));
}

/** As Keelson applied it, and with what somebody else then did. */
function live(sent: KubernetesObject, hand?: (object: { spec: Spec } & KubernetesObject) => [taken: string[], fields: FieldsV1]) {
  const { annotations } = sent.metadata;
  const ours = fieldsOf({ metadata: { annotations }, spec: sent.spec });
  const object = structuredClone(sent);
  const managedFields = [{ manager: 'keelson', operation: 'Apply', fieldsV1: ours }];
  if (hand) {
    const [taken, fieldsV1] = hand(object as never);
    let at = ours;
    for (const part of taken.slice(0, -1)) at = at[part] as FieldsV1;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- as the server does
    delete at[taken.at(-1) ?? ''];
    managedFields.push({ manager: 'hand', operation: 'Update', fieldsV1 });
  }
  return { ...object, metadata: { ...object.metadata, uid: '1', managedFields } };
}

const safe: Spec = { pod: { automountServiceAccountToken: false }, container: { securityContext: { allowPrivilegeEscalation: false } } };
const paths = (wanted: KubernetesObject, there: KubernetesObject, complete = true): string[] =>
  drifted(wanted, there, complete).map(({ path }) => path);

describe('a Deployment', () => {
  it.each<[string, Spec, Spec, boolean]>([
    ['as it was sent', {}, {}, false],
    ['of an older Keelson', {}, safe, true],
    ['of an older Keelson that did not say whether it is published', { routable: null }, safe, true],
    ['of an older Keelson, with a field that is gone now', safe, {}, true],
    ['with another number of pods at a time alone', { surge: 1 }, { surge: 2 }, false],
    ['of another release', { version: 'v1' }, { ...safe, version: 'v2' }, false],
    ['that is to be restarted', {}, { ...safe, restarted: 'now' }, false],
    ['that is published meanwhile', { routable: 'false' }, { ...safe, routable: 'true' }, false],
  ])('%s', (_, sent, wanted, outdated) => {
    expect(isOutdated(deployment(wanted), live(deployment(sent)))).toBe(outdated);
  });

  it('is not outdated for what others added to it', () => {
    const there = live(deployment(), ({ metadata }) => {
      Object.assign(metadata.annotations ?? {}, { 'deployment.kubernetes.io/revision': '1' });
      return [['none'], { 'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } } }];
    });
    expect(isOutdated(deployment({ surge: 2 }), there)).toBe(false);
  });

  it('is not outdated where somebody wrote the hash', () => {
    const there = live(deployment(), ({ metadata }) => {
      Object.assign(metadata.annotations ?? {}, { [HASH]: 'x' });
      return [['f:metadata', 'f:annotations', `f:${HASH}`], { 'f:metadata': { 'f:annotations': { [`f:${HASH}`]: {} } } }];
    });
    expect(isOutdated(deployment(safe), there)).toBe(false);
    expect(paths(deployment(safe), there)).toContain(`metadata.annotations.${HASH}`);
  });
});

describe('what has drifted', () => {
  it.each([true, false])('is nothing that is only outdated (all owners known: %s)', (complete) => {
    expect(paths(deployment({ ...safe, surge: 3, env: { A: '2', B: '1' } }), live(deployment()), complete)).toEqual([]);
  });

  it('is all that differs where it isn’t outdated', () => {
    expect(paths(deployment({ surge: 2 }), live(deployment()))).toEqual([
      `metadata.annotations.${HASH}`,
      'spec.strategy.rollingUpdate.maxSurge',
    ]);
  });

  const container = ['f:spec', 'f:template', 'f:spec', 'f:containers', 'k:{"name":"web"}'];
  const nested = (parts: string[]): FieldsV1 => parts.reduceRight<FieldsV1>((inner, part) => ({ [part]: inner }), {});
  const image = [...container, 'f:image'];

  it.each([true, false])('is what somebody set in an outdated one (all owners known: %s)', (complete) => {
    const there = live(deployment(), (object) => {
      const { containers } = (object.spec as unknown as { template: { spec: { containers: { image: string }[] } } }).template.spec;
      containers[0] = { ...containers[0], image: 'evil:1' };
      return [image, nested(image)];
    });
    const shown = complete ? there : { ...there, metadata: { ...there.metadata, managedFields: there.metadata.managedFields.slice(0, 1) } };
    expect(paths(deployment(safe), shown, complete)).toEqual(['spec.template.spec.containers[name=web].image']);
  });

  it('is a count that is not as wanted, whoever set it', () => {
    expect(paths(deployment({ ...safe, replicas: 3 }), live(deployment()))).toEqual(['spec.replicas']);
  });

  it('is no default that the server filled in for a field that is new, as far as that is known', () => {
    const there = live(deployment(), ({ spec }) => {
      Object.assign((spec as { template?: { spec?: object } }).template?.spec ?? {}, { enableServiceLinks: true });
      return [['none'], {}];
    });
    const wanted = deployment({ pod: { enableServiceLinks: false } });
    expect(paths(wanted, there)).toEqual([]);
    expect(paths(wanted, there, false)).toEqual(['spec.template.spec.enableServiceLinks']);
  });
});
