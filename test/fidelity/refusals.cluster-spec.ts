import { setTimeout as pause } from 'node:timers/promises';
import { comparable, newNamespace, startSides, type Answer, type ClusterSide, type ClusterSides, type Json } from './cluster-sides.ts';

/** What a namespace refuses: by its quota, by its limit range, and when it is going away. */

const namespace = newNamespace('refusals');
const core = `/api/v1/namespaces/${namespace}`;

let sides: ClusterSides;

beforeAll(async () => {
  sides = await startSides();
  for (const side of sides.both) await side.makeNamespace(namespace);
});

afterAll(async () => {
  await sides.real.removeNamespace(namespace);
  await sides.stop();
});

async function alike(scenario: (side: ClusterSide) => Promise<unknown>): Promise<void> {
  const [expected, answer] = await Promise.all(sides.both.map(scenario));
  expect(answer).toEqual(expected);
}

const post = (side: ClusterSide, path: string, body: Json): Promise<Answer> => side.send({ method: 'POST', path, body });

const pod = (name: string, resources: Json = {}, spec: Json = {}): Json => ({
  metadata: { name },
  spec: { nodeSelector: { nope: '1' }, containers: [{ name: 'web', image: 'local/web:1', resources }], ...spec },
});

/** With what a limit range finds wrong in an order of its own: the API server goes through resources in the order of a map, which is any. */
const faultsInOrder = (message: string): string =>
  message.replace(
    /\[(.*)\]$/,
    (_, faults: string) =>
      `[${faults
        .split(/, (?=maximum|minimum)/)
        .sort()
        .join(', ')}]`,
  );

/** Until the status of the object fulfils the condition. */
async function settled(side: ClusterSide, path: string, holds: (status: Json) => boolean): Promise<Json> {
  for (;;) {
    const { status = {} } = await side.get<{ status?: Json }>(path);
    if (holds(status)) return status;
    await pause(100);
  }
}

describe('a quota', () => {
  const hard = { pods: '2', 'requests.cpu': '1', 'limits.memory': '1Gi', 'count/configmaps': '3', secrets: '3', services: '1' };

  beforeAll(async () => {
    for (const side of sides.both) {
      await post(side, `${core}/resourcequotas`, { metadata: { name: 'small' }, spec: { hard } });
      await settled(side, `${core}/resourcequotas/small`, ({ used }) => used !== undefined);
    }
  });

  afterAll(async () => {
    for (const side of sides.both) {
      await side.send({ method: 'DELETE', path: `${core}/resourcequotas/small` });
      await side.send({ method: 'DELETE', path: `${core}/pods?gracePeriodSeconds=0` });
    }
  });

  const fits = { requests: { cpu: '500m' }, limits: { memory: '512Mi' } };

  it.each([
    ['no requests', {}],
    ['a request only', { requests: { cpu: '1' } }],
    ['more cpu than there is', { requests: { cpu: '2' }, limits: { memory: '1Gi' } }],
    ['more of everything than there is', { requests: { cpu: '1500m' }, limits: { memory: '1100Mi' } }],
    ['what fits', fits],
    ['what fits once more', { requests: { cpu: 0.25 }, limits: { memory: '256Mi' } }],
    ['one pod too many', { requests: { cpu: '1m' }, limits: { memory: '1Mi' } }],
  ])('a pod with %s', (name, resources) =>
    alike(async (side) =>
      comparable(await post(side, `${core}/pods`, pod(name.replaceAll(' ', '-'), resources)), ['spec', 'managedFields', 'status']),
    ),
  );

  it('what is used', () =>
    alike((side) =>
      settled(side, `${core}/resourcequotas/small`, ({ used }) => (used as Json | undefined)?.pods === '2').then((status) => {
        const { secrets: _, 'count/configmaps': __, ...used } = status.used as Json; // tokens and certificates of the real one
        return used;
      }),
    ));

  it('a service too many', () =>
    alike(async (side) => {
      const service = (name: string): Json => ({ metadata: { name }, spec: { ports: [{ port: 80 }] } });
      await post(side, `${core}/services`, service('one'));
      return comparable(await post(side, `${core}/services`, service('two')));
    }));
});

describe('a limit range', () => {
  beforeAll(async () => {
    const limits = [
      {
        type: 'Container',
        default: { cpu: '200m', memory: '64Mi' },
        defaultRequest: { cpu: '100m' },
        min: { cpu: '50m' },
        max: { cpu: '1', memory: '128Mi' },
      },
      { type: 'Pod', max: { cpu: '1500m' } },
    ];
    for (const side of sides.both) await post(side, `${core}/limitranges`, { metadata: { name: 'range' }, spec: { limits } });
  });

  afterAll(async () => {
    for (const side of sides.both) await side.send({ method: 'DELETE', path: `${core}/limitranges/range` });
  });

  it('as it is stored', () => alike(async (side) => comparable(await side.get(`${core}/limitranges/range`))));

  it.each([
    ['nothing', {}],
    ['a request', { requests: { cpu: '150m', memory: '10Mi' } }],
    ['too much', { limits: { cpu: '2', memory: '1Gi' } }],
    ['too little', { requests: { cpu: '10m' }, limits: { cpu: '20m' } }],
    ['a request above the default limit', { requests: { cpu: '300m' } }],
  ])('a pod that wants %s', (name, resources) =>
    alike(async (side) => {
      const { code, body } = await post(side, `${core}/pods`, pod(`range-${name.replaceAll(' ', '-')}`, resources));
      const { spec, message } = body as { spec?: { containers: { resources: unknown }[] }; message: string };
      return comparable(spec ? [code, spec.containers[0]?.resources] : [code, { ...(body as Json), message: faultsInOrder(message) }]);
    }),
  );

  it('two containers that together want too much', () =>
    alike(async (side) => {
      const containers = ['a', 'b'].map((name) => ({ name, image: 'local/web:1', resources: { limits: { cpu: '1' } } }));
      return comparable(await post(side, `${core}/pods`, pod('two', {}, { containers })));
    }));
});

it('a namespace that is going away: no more writes into it, deletions go on, and it ends when the last finalizer is gone', () =>
  alike(async (side) => {
    const name = `${namespace}-going`;
    const inside = `/api/v1/namespaces/${name}/configmaps`;
    await side.makeNamespace(name);
    const held = await post(side, inside, { metadata: { name: 'held', finalizers: ['keelson.test/hold'] } });
    const deletion = await side.send({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
    const apply: Answer = await side.send({
      method: 'PATCH',
      path: `${inside}/new?fieldManager=keelson&force=true`,
      type: 'application/apply-patch+yaml',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' } },
    });
    const change = await side.send({
      method: 'PATCH',
      path: `${inside}/held`,
      type: 'application/merge-patch+json',
      body: { data: { a: 'b' } },
    });
    const again = await side.send({ method: 'DELETE', path: `/api/v1/namespaces/${name}` });
    const remade = await post(side, '/api/v1/namespaces', { metadata: { name } });
    const status = await settled(side, `/api/v1/namespaces/${name}`, ({ conditions }) =>
      ((conditions ?? []) as { type: string; status: string }[]).some(
        (each) => each.type === 'NamespaceFinalizersRemaining' && each.status === 'True',
      ),
    );
    await side.send({
      method: 'PATCH',
      path: `${inside}/held`,
      type: 'application/merge-patch+json',
      body: { metadata: { finalizers: null } },
    });
    while ((await side.send({ method: 'GET', path: `/api/v1/namespaces/${name}` })).code === 200) await pause(100);
    const gone = await side.send({ method: 'GET', path: `${inside}/held` });
    // the controller may have got to it meanwhile
    const whileItGoes = comparable([change, again], ['managedFields', 'conditions', 'deletionGracePeriodSeconds']);
    return [whileItGoes, comparable([held, deletion, apply, remade, status, gone], ['managedFields', 'lastTransitionTime'])];
  }));
