import { type Access, type AccessTable, administrators, appOwners, type Role } from '../src/auth/access-table.ts';
import { RouteTable } from '../src/http/route-table.ts';
import { isOfUserApi } from '../src/http/user-api.ts';
import { accessRows, Calls, guest, methodOf } from './calls.ts';
import { type Keelson, startKeelson } from './keelson.ts';
import { destroyApps } from './live-app.ts';

/**
 * Who may do what, tried: every route there is, for every role, against the rows that the modules bring in their `<x>.rights.ts`.
 * What a role is refused it gets before its body is read; what it may do succeeds.
 */

const rows = accessRows();

/** Reads first, while everything is there and at rest. */
const order = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const routes = Object.keys(rows).sort((a, b) => order.indexOf(methodOf(a)) - order.indexOf(methodOf(b)));
const roles: readonly Role[] = ['anonymous', 'stranger', 'collaborator', 'owner', 'administrator'];

let keelson: Keelson;
let calls: Calls;
const tried = { cells: 0, malformed: 0 };

beforeAll(async () => {
  keelson = await startKeelson({ KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1' });
  calls = await Calls.prepare(keelson);
});

afterAll(async () => {
  process.stdout.write(
    `permission matrix: ${String(routes.length)} routes × ${String(roles.length)} roles = ${String(tried.cells)} cells, ` +
      `and ${String(tried.malformed)} refusals before a malformed body\n`,
  );
  await destroyApps(calls.people.administrator);
  await keelson.stop();
});

/** `succeeds`, or what it was answered with instead. */
async function outcomeOf(route: string, role: Role, headers: Record<string, string> = {}): Promise<string> {
  const { status, text } = await calls.make(route, role, headers);
  return status >= 200 && status < 300 ? 'succeeds' : `${String(status)} ${text}`;
}

/** What a refusal says, in the shape of the API that the path is of. */
const words = (path: string): object =>
  isOfUserApi(path) ? { status: false, message: expect.any(String) as string } : { detail: expect.any(String) as string };

async function refused(route: string, role: Role, access: Access): Promise<void> {
  const path = calls.pathOf(route);
  const { status, json } = await calls.people[role].request(methodOf(route), path, await calls.bodyOf(route));
  expect([role, status, json]).toEqual([role, access, words(path)]);
  // whether there is something of that name is looked up with what the body says
  if (methodOf(route) === 'GET' || access === 404) return;
  tried.malformed += 1;
  const headers = { 'Content-Type': 'application/json' };
  const malformed = await calls.people[role].request(methodOf(route), path, undefined, { raw: '{"username": ', headers });
  expect([role, 'malformed', malformed.status, malformed.json]).toEqual([role, 'malformed', access, words(path)]);
}

it('has a row for every route, and a route for every row', () => {
  const documented = [...calls.operations().keys()];
  expect([...routes].sort()).toEqual(documented.sort());
  const routed = [...keelson.app.get(RouteTable).routes].flatMap(([url, methods]) =>
    [...methods].filter((method) => method !== 'HEAD').map((method) => `${method} ${url.replace(/:(\w+)/g, '{$1}')}`),
  );
  // what describes the interface itself is everybody's
  expect(routed.filter((route) => !/^GET \/(docs|openapi\.json)/.test(route)).sort()).toEqual(documented);
});

it.each(routes)('%s', async (route) => {
  const row = rows[route];
  if (!row) throw new Error(`no row ${route}`);
  tried.cells += roles.length;
  await Promise.all(
    roles.map(async (role) => {
      if (row[role] !== 'passes') await refused(route, role, row[role]);
    }),
  );
  const passing = roles.filter((role) => row[role] === 'passes');
  for (const role of passing) expect([role, await outcomeOf(route, role)]).toEqual([role, 'succeeds']);
  if (passing.length > 0) return;
  // no user's: it is the builder's
  const key = { 'X-Drycc-Builder-Auth': keelson.settings.builderKey };
  expect(['builder', await outcomeOf(route, 'anonymous', key)]).toEqual(['builder', 'succeeds']);
});

/** What depends on the body beside the route; that those who may succeed is for the suites of these routes. */
it.each<[string, object, AccessTable[string]]>([
  ['POST /v2/apps/{app}', { owner: guest }, appOwners],
  ['POST /v2/auth/tokens', { username: guest }, administrators],
  ['POST /v2/auth/tokens', { all: true }, administrators],
  ['POST /v2/auth/passwd', { username: guest, new_password: 'closesesame' }, administrators],
  ['DELETE /v2/auth/cancel', { username: guest }, administrators],
])('%s with %j', async (route, body, row) => {
  for (const role of roles.filter((each) => row[each] !== 'passes')) {
    const path = calls.pathOf(route);
    const { status, json } = await calls.people[role].request(methodOf(route), path, body);
    expect([role, status, json]).toEqual([role, row[role], words(path)]);
  }
});
