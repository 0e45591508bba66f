import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AccessTable, Role } from '../src/auth/access-table.ts';
import type { Rule } from '../src/auth/rights.ts';
import { issue } from './certificates.ts';
import { WEB_IMAGE } from './images.ts';
import type { Answer, Api, Keelson } from './keelson.ts';
import { newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

/** The rows that all modules bring: who may call which route. */
export function accessRows(): AccessTable {
  const folder = join(import.meta.dirname, '../src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.rights.ts'));
  const tables = files.flatMap((file) =>
    Object.entries(jest.requireActual<Record<string, unknown>>(join(folder, file)))
      .filter(([name]) => name.endsWith('Access'))
      .map(([, table]) => table as AccessTable),
  );
  return Object.assign({}, ...tables) as AccessTable;
}

export function methodOf(route: string): string {
  return route.split(' ', 1)[0] ?? '';
}

/** Made so far, to number what is to be unlike anything before. */
let made = 0;
/** A name that nothing has had. */
const fresh = (): string => `n${String((made += 1))}-${randomBytes(3).toString('hex')}`;
const newAddress = (): string => `203.0.113.${String((made += 1) % 256)}`;

async function made201(answer: Promise<Answer>): Promise<void> {
  const { status, text } = await answer;
  expect([status, text]).toEqual([201, expect.anything()]);
}

/** Where the user API lives. */
const rbac = '/saltshaker/api/v1.0';

const respondAsync = { headers: { Prefer: 'respond-async' } };

/** A user whom all that is done to users is done to. He collaborates too, and does nothing himself. */
export const guest = 'guest';

const usernames = { administrator: 'root', owner: 'ada', collaborator: 'bob', stranger: 'eve', anonymous: undefined } as const;

export interface Prepared {
  /** In place of the shared things. */
  path?: Record<string, string>;
  body?: object;
  /** In place of the role's own person, who is needed further. */
  as?: Api;
}

export interface Operation {
  requestBody?: { content: Record<string, { example?: unknown }> };
  responses: Record<string, unknown>;
  'x-action': string;
  'x-rule': Rule;
}

/** A call that succeeds, for every route there is: in a Keelson with people of every role, and one of everything for them to call about. */
export class Calls {
  readonly app = newAppId('matrix');
  private readonly domain = `www.${this.app}.example.com`;

  private constructor(
    private readonly keelson: Keelson,
    /** Nobody, somebody, and how each stands to the app, the certificate and the key. The administrator is `root`, the owner `ada`. */
    readonly people: Record<Role, Api>,
    /** What path parameters stand for; a `uuid` or an `id` by what it is of. */
    private things: Record<string, string>,
  ) {}

  /** @param keelson one that has no users yet */
  static async prepare(keelson: Keelson): Promise<Calls> {
    const administrator = await keelson.register(usernames.administrator);
    const owner = await keelson.register(usernames.owner);
    const [collaborator, stranger] = [await keelson.register(usernames.collaborator), await keelson.register(usernames.stranger)];
    await keelson.register(guest);
    const calls = new Calls(keelson, { anonymous: keelson.api, stranger, collaborator, owner, administrator }, {});
    await calls.makeThings(owner);
    return calls;
  }

  /** By `METHOD /path/{parameter}`: what the OpenAPI document has. */
  operations(): Map<string, Operation> {
    return new Map(
      Object.entries(this.keelson.documentation.document.paths).flatMap(([path, item]) =>
        Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation as Operation]),
      ),
    );
  }

  /** The route's path, with every parameter filled in. */
  pathOf(route: string, own: Record<string, string> = {}): string {
    const parts = route.replace(/^\w+ /, '').split('/');
    const filled = parts.map((part, index) => {
      const [, parameter] = /^\{(\w+)\}$/.exec(part) ?? [];
      if (parameter === undefined) return part;
      const value = own[parameter] ?? this.things[/^(uuid|id)$/.test(parameter) ? (parts[index - 1] ?? '') : parameter];
      if (value === undefined) throw new Error(`${route}: nothing stands for ${part}`);
      return encodeURIComponent(value);
    });
    return filled.join('/');
  }

  /** undefined where the route takes none. */
  async bodyOf(route: string): Promise<unknown> {
    const { requestBody } = this.operations().get(route) ?? {};
    return requestBody && (this.bodies[route] ? await this.bodies[route]() : requestBody.content['application/json']?.example);
  }

  /**
   * Prepares what a call of a role needs, and makes it: it leaves all others what they need.
   * @param own goes before what is prepared
   */
  async make(route: string, role: Role, headers: Record<string, string> = {}, own: Prepared = {}): Promise<Answer> {
    const prepared = (await this.preparations[route]?.(role)) ?? {};
    const { body = await this.bodyOf(route), as = this.people[role] } = { ...prepared, ...own };
    const path = this.pathOf(route, { ...prepared.path, ...own.path });
    return as.request(methodOf(route), path, body, { headers: { ...respondAsync.headers, ...headers } });
  }

  /** Bodies that are good in this very Keelson; where there is none, the documented example is. */
  private readonly bodies: Record<string, () => object | Promise<object>> = {
    'POST /v2/auth/register': () => ({ username: fresh(), password: 'opensesame' }),
    'POST /v2/auth/login': () => ({ username: guest, password: 'opensesame' }),
    'POST /v2/auth/passwd': () => ({ password: 'opensesame', new_password: 'opensesame' }),
    'POST /v2/auth/tokens': () => ({}),
    'DELETE /v2/auth/cancel': () => ({}),
    'POST /v2/apps': () => ({ id: newAppId('matrix') }),
    'POST /v2/apps/{app}': () => ({}),
    'POST /v2/apps/{app}/scale': () => ({ cmd: 1 }),
    'POST /v2/apps/{app}/stop': () => ({ types: ['cmd'] }),
    'POST /v2/apps/{app}/start': () => ({ types: ['cmd'] }),
    'POST /v2/apps/{app}/builds': () => ({ image: WEB_IMAGE }),
    'POST /v2/apps/{app}/build': () => ({ image: WEB_IMAGE }),
    'POST /v2/apps/{app}/config': () => ({ values: { KEY: fresh() } }),
    'POST /v2/apps/{app}/releases/rollback': () => ({ version: 2 }),
    'POST /v2/apps/{app}/run': () => ({ command: 'echo hi' }),
    'POST /v2/apps/{app}/domains': () => ({ domain: `${fresh()}.example.com` }),
    'POST /v2/apps/{app}/perms': () => ({ username: guest }),
    'POST /v2/apps/{app}/settings': () => ({ label: { note: fresh() } }),
    'POST /v2/apps/{app}/whitelist': () => ({ addresses: [newAddress()] }),
    'POST /v2/apps/{app}/allowlist': () => ({ addresses: [newAddress()] }),
    // each time another
    'POST /v2/apps/{app}/tls': () => ({ https_enforced: (made += 1) % 2 === 0 }),
    'POST /v2/apps/{app}/services': () => ({ procfile_type: 'cmd', path_pattern: `/${fresh()}` }),
    'DELETE /v2/apps/{app}/services': () => ({ procfile_type: 'cmd' }),
    'POST /v2/admin/perms': () => ({ username: guest }),
    'POST /v2/keys': () => ({ id: fresh(), public: newPublicKey() }),
    'POST /v2/certs': async () => ({ name: fresh(), ...(await issue()) }),
    'POST /v2/certs/{certificate}/domain': () => ({ domain: this.domain }),
    'POST /v2/certs/{certificate}/domain/{domain}': () => ({}),
    'POST /v2/hooks/config': () => ({ receive_user: 'ada', receive_repo: this.app }),
    'POST /v2/hooks/build': () => ({ receive_user: 'ada', receive_repo: this.app, image: WEB_IMAGE }),
    [`POST ${rbac}/login`]: () => ({ username: guest, password: 'opensesame' }),
    [`POST ${rbac}/user`]: () => ({ username: fresh(), password: 'opensesame' }),
    [`POST ${rbac}/user/register`]: () => ({ username: fresh(), password: 'opensesame' }),
    [`POST ${rbac}/user/reset/owner/{id}`]: () => ({ old_password: 'opensesame', new_password: 'opensesame' }),
    [`PUT ${rbac}/user/{id}`]: () => ({ mail: `${fresh()}@example.com` }),
    [`POST ${rbac}/role`]: () => ({ name: fresh(), tag: 4 }),
    [`POST ${rbac}/product`]: () => ({ name: fresh(), apps: [this.app] }),
    [`POST ${rbac}/groups`]: () => ({ name: fresh(), product_id: this.things.product, apps: [this.app], types: ['cmd'] }),
    [`POST ${rbac}/acl`]: () => ({ name: fresh(), product_id: this.things.product, allow: ['echo *'] }),
    [`PUT ${rbac}/role/{id}`]: () => ({ description: fresh() }),
    [`PUT ${rbac}/product/{id}`]: () => ({ description: fresh() }),
    [`PUT ${rbac}/groups/{id}`]: () => ({ description: fresh() }),
    [`PUT ${rbac}/acl/{id}`]: () => ({ description: fresh() }),
  };

  /** What has to be there before a call that succeeds, so that it leaves all others what they need. */
  private readonly preparations: Record<string, (role: Role) => Promise<Prepared>> = {
    'DELETE /v2/auth/cancel': (role) => this.onesOwn(role),
    'POST /v2/auth/tokens': (role) => this.onesOwn(role),
    'DELETE /v2/apps/{app}': async () => {
      const id = newAppId('matrix');
      await made201(this.people.owner.post('/v2/apps', { id }));
      return { path: { app: id } };
    },
    'DELETE /v2/apps/{app}/perms/{username}': async () => {
      await made201(this.people.owner.post(`/v2/apps/${this.app}/perms`, { username: guest }));
      return {};
    },
    'DELETE /v2/apps/{app}/domains/{domain}': async () => ({ path: { domain: await this.newDomain() } }),
    'DELETE /v2/apps/{app}/whitelist': () => this.removedAddress(),
    'DELETE /v2/apps/{app}/allowlist': () => this.removedAddress(),
    'DELETE /v2/apps/{app}/services': async () => {
      const body = { procfile_type: 'cmd', path_pattern: `/${fresh()}` };
      expect((await this.people.owner.post(`/v2/apps/${this.app}/services`, body, respondAsync)).status).toBe(202);
      return {};
    },
    'GET /v2/hooks/keys/{app}/{username}': () => Promise.resolve({ path: { username: 'ada' } }),
    'DELETE /v2/keys/{key}': async () => ({ path: { key: await this.newKey() } }),
    'DELETE /v2/certs/{certificate}': async () => ({ path: { certificate: await this.newCertificate() } }),
    'POST /v2/certs/{certificate}/domain': async () => ({ body: { domain: await this.newDomain() } }),
    'POST /v2/certs/{certificate}/domain/{domain}': async () => ({ path: { domain: await this.newDomain() } }),
    'DELETE /v2/certs/{certificate}/domain/{domain}': async () => ({ path: { domain: await this.newDomain(this.things.certificate) } }),
    // who has a new password can't log in with his old one
    [`POST ${rbac}/user/reset/{id}`]: async () => ({ path: { id: await this.added('user') } }),
    [`POST ${rbac}/user/reset/owner/{id}`]: async (role) => ({ path: { id: await this.idOf(usernames[role] ?? '') } }),
    ...Object.fromEntries(
      (['user', 'role', 'product', 'groups', 'acl'] as const).map((kind) => [
        `DELETE ${rbac}/${kind}/{id}`,
        async () => ({ path: { id: await this.added(kind) } }),
      ]),
    ),
  };

  private async makeThings(owner: Api): Promise<void> {
    const { app, domain } = this;
    const first = async (path: string): Promise<Record<string, string>> =>
      (await owner.get<{ results: Record<string, string>[] }>(path)).json.results[0] ?? {};

    await made201(owner.post('/v2/apps', { id: app }));
    for (const username of ['bob', guest]) await made201(owner.post(`/v2/apps/${app}/perms`, { username }));
    await made201(owner.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE }));
    expect((await owner.post(`/v2/apps/${app}/run`, { command: 'echo hi' })).status).toBe(200);
    await made201(owner.post(`/v2/apps/${app}/domains`, { domain }));
    const certificate = await this.newCertificate();
    await made201(owner.post(`/v2/certs/${certificate}/domain`, { domain }));
    const key = await this.newKey();
    const uuids = {
      builds: (await first(`/v2/apps/${app}/builds`)).uuid,
      runs: (await first(`/v2/apps/${app}/runs`)).id,
      operations: (await first(`/v2/apps/${app}/operations`)).id,
    };
    const named = {
      app,
      domain,
      certificate,
      key,
      username: guest,
      version: 'v2',
      type: 'cmd',
      typeOrName: 'cmd',
      name: (await first(`/v2/apps/${app}/pods`)).name,
      fingerprint: (await first('/v2/keys')).fingerprint,
    };
    this.things = { ...uuids, build: uuids.builds, ...named, productName: 'nothing' } as Record<string, string>;
    this.things.user = this.things.reset = this.things.owner = await this.idOf(guest);
    for (const kind of ['role', 'product', 'groups', 'acl'] as const) this.things[kind] = await this.added(kind);
  }

  /** Adds something by the user API. @returns its id */
  private async added(kind: 'user' | 'role' | 'product' | 'groups' | 'acl'): Promise<string> {
    const body = await this.bodyOf(`POST ${rbac}/${kind}`);
    const { status, json, text } = await this.people.administrator.post<{ data: { id: string } }>(`${rbac}/${kind}`, body);
    expect([status, text]).toEqual([kind === 'user' ? 200 : 201, expect.anything()]);
    return json.data.id;
  }

  private async idOf(username: string): Promise<string> {
    const { json } = await this.people.administrator.get<{ users: { user: { id: string; username: string }[] } }>(`${rbac}/user`);
    return json.users.user.find((user) => user.username === username)?.id ?? `nobody is ${username}`;
  }

  /** Of the owner, like all that is made for a call. */
  private async newCertificate(): Promise<string> {
    const name = fresh();
    await made201(this.people.owner.post('/v2/certs', { name, ...(await issue({ names: [this.domain] })) }));
    return name;
  }

  private async newKey(): Promise<string> {
    const id = fresh();
    await made201(this.people.owner.post('/v2/keys', { id, public: newPublicKey() }));
    return id;
  }

  private async newDomain(certificate?: string): Promise<string> {
    const domain = `${fresh()}.example.com`;
    const { owner } = this.people;
    expect((await owner.post(`/v2/apps/${this.app}/domains`, { domain }, respondAsync)).status).toBe(202);
    if (certificate === undefined) return domain;
    expect((await owner.post(`/v2/certs/${certificate}/domain`, { domain }, respondAsync)).status).toBe(202);
    return domain;
  }

  /** Somebody who can do without his account and his tokens: administrators take another's. */
  private async onesOwn(role: Role): Promise<Prepared> {
    const username = fresh();
    const as = await this.keelson.register(username);
    if (role === 'administrator') return { body: { username } };
    if (role === 'collaborator') await made201(this.people.owner.post(`/v2/apps/${this.app}/perms`, { username }));
    return { as };
  }

  private async removedAddress(): Promise<Prepared> {
    const body = { addresses: [newAddress()] };
    expect((await this.people.owner.post(`/v2/apps/${this.app}/whitelist`, body, respondAsync)).status).toBe(202);
    return { body };
  }
}
