import { Calls, methodOf, type Prepared } from './calls.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps } from './live-app.ts';

interface Operation {
  id: string;
  app: string;
  state: string;
  finished: string | null;
}

const LAST = 'DELETE /v2/certs/{certificate}';

let keelson: Keelson;
let calls: Calls;
let root: Api;

beforeAll(async () => {
  keelson = await startKeelson();
  calls = await Calls.prepare(keelson);
  root = calls.people.administrator;
});
afterAll(async () => {
  await destroyApps(root);
  await keelson.stop();
});

/** Changes that the cluster has to show, where the usual one may have nothing for it. */
const changes: Record<string, () => Promise<Prepared>> = {
  'POST /v2/apps/{app}/settings': () => Promise.resolve({ body: { whitelist: ['198.51.100.7'] } }),
  'POST /v2/apps/{app}/scale': () => Promise.resolve({ body: { cmd: 2 } }),
  'POST /v2/apps/{app}/pods/{type}/{name}/restart': async () => {
    // one that is there by now
    const name = await eventually(async () => {
      const { json } = await root.get<{ results: { name: string; state: string }[] }>(`/v2/apps/${calls.app}/pods`);
      const found = json.results.find(({ state }) => state === 'up');
      if (!found) throw new Error('no pod is up');
      return found.name;
    });
    return { path: { name } };
  },
  // one that has domains, and that the other calls need no more
  [LAST]: () => Promise.resolve({ path: { certificate: calls.pathOf(LAST).replace(/.*\//, '') } }),
};

/** Routes whose answers may wait for the cluster: the others have no 202. */
const waiting = (): string[] => [...calls.operations()].filter(([, { responses }]) => '202' in responses).map(([route]) => route);

it('every POST and DELETE that waits for the cluster answers at once to who prefers that, with an operation that comes to an end', async () => {
  const routes = waiting();
  expect(routes.filter((route) => !/^(POST|DELETE) /.test(route))).toEqual([]);
  expect(routes).toEqual(
    expect.arrayContaining([
      'POST /v2/apps',
      'DELETE /v2/apps/{app}',
      'POST /v2/apps/{app}/builds',
      'POST /v2/apps/{app}/pods/restart',
      'POST /v2/apps/{app}/pods/{typeOrName}/restart',
      'POST /v2/apps/{app}/pods/{type}/{name}/restart',
      'POST /v2/apps/{app}/run',
      'POST /v2/hooks/build',
    ]),
  );
  const answered: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  for (const route of [...routes.filter((each) => each !== LAST), LAST]) {
    const builder = calls.operations().get(route)?.['x-rule'] === 'builder';
    const headers: Record<string, string> = builder ? { 'X-Drycc-Builder-Auth': keelson.settings.builderKey } : {};
    const own = (await changes[route]?.()) ?? {};
    const answer = await calls.make(route, builder ? 'anonymous' : 'owner', headers, own);
    const location = answer.headers.get('location') ?? '';
    const id = (answer.json as Partial<Operation> | undefined)?.id ?? 'none';
    answered[route] = [answer.status, answer.headers.get('preference-applied'), location.endsWith(`/${id}`) ? 'its own place' : location];
    expected[route] = [202, 'respond-async', 'its own place'];
    if (answer.status !== 202) continue;
    // an operation supersedes the one before it
    await eventually(async () => {
      const { status, json } = await root.get<Operation>(location);
      expect([route, status, json.id, json.finished]).toEqual([route, 200, id, expect.any(String)]);
      expect(['succeeded', 'superseded', 'finished']).toContain(json.state);
    });
  }
  expect(answered).toEqual(expected);
});

it('who does not prefer it is answered when the cluster shows the change', async () => {
  const route = 'POST /v2/apps/{app}/pods/restart';
  const { status, headers, json } = await calls.people.owner.request(methodOf(route), calls.pathOf(route));
  expect([status, headers.get('location')]).toEqual([200, null]);
  expect(json).toContainEqual(expect.objectContaining({ type: 'cmd' }));
});
