import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import pg from 'pg';
import { Encryption } from '../../src/database/encryption.ts';

/**
 * The limit that Keelson is measured against: what Node and PostgreSQL allow at the most. A bare server which finds the user of a token by
 * one indexed SELECT, has one statement for a page, and writes the same JSON as Keelson does. It checks no rights and no input, logs
 * nothing, and answers nothing but what is measured. Its environment: DATABASE_URL, SECRET_KEY, ENCRYPTION_KEY, PLATFORM_DOMAIN, PORT,
 * and PODS, the pods of the app that is read, as JSON.
 */

const setting = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};

const pool = new pg.Pool({ connectionString: setting('DATABASE_URL'), max: 10 });
const secret = setting('SECRET_KEY');
const domain = setting('PLATFORM_DOMAIN');
const encryption = new Encryption([{ id: 'bench', key: Buffer.from(setting('ENCRYPTION_KEY'), 'base64') }]);
const pods = JSON.parse(process.env.PODS ?? '[]') as unknown[];

interface Caller {
  id: number;
  uuid: string;
  username: string;
  is_active: boolean;
  token_version: number;
}
type Row = Record<string, unknown>;

const seconds = (time: unknown): string => `${(time as Date).toISOString().slice(0, 19)}UTC`;
const whole = (text: string | null, otherwise: number): number => (text === null ? otherwise : Number(text));

async function caller(request: IncomingMessage): Promise<Caller | undefined> {
  const [head = '', claims = '', signature = ''] = (request.headers.authorization ?? '').slice('token '.length).split('.');
  const expected = createHmac('sha256', secret).update(`${head}.${claims}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const { sub, ver, uid } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string; ver: number; uid: string };
  const { rows } = await pool.query<Caller>({
    name: 'caller',
    text: 'SELECT id, uuid, username, is_active, token_version FROM users WHERE id = $1',
    values: [Number(sub)],
  });
  const [user] = rows;
  return user?.is_active === true && user.uuid === uid && user.token_version === ver ? user : undefined;
}

/** One statement for a page and its count. */
async function page(
  name: string,
  url: URL,
  columns: string,
  from: string,
  join: string,
  order: string,
  values: unknown[],
  view: (row: Row) => Row,
): Promise<Row> {
  const limit = whole(url.searchParams.get('limit'), 100);
  const offset = whole(url.searchParams.get('offset'), 0);
  const text =
    `SELECT ${columns}, (SELECT count(*) FROM ${from}) AS listed FROM ${from} ${join} ORDER BY ${order} ` +
    `LIMIT $${values.length + 1} OFFSET $${values.length + 2}`;
  const { rows } = await pool.query<Row>({ name, text, values: [...values, limit, offset] });
  const count = Number(rows[0]?.listed ?? 0);
  const at = (start: number): string => {
    const target = new URL(url);
    target.searchParams.set('limit', String(limit));
    if (start > 0) target.searchParams.set('offset', String(start));
    else target.searchParams.delete('offset');
    return target.href;
  };
  return {
    count,
    next: offset + limit < count ? at(offset + limit) : null,
    previous: offset > 0 ? at(Math.max(0, offset - limit)) : null,
    results: rows.map(view),
  };
}

const APP = `a.uuid, a.id, o.username AS owner, a.created, a.updated,
  (SELECT coalesce(json_object_agg(type, count ORDER BY type), '{}') FROM process_types WHERE app_uuid = a.uuid) AS structure`;
const appView = ({ uuid, id, owner, structure, created, updated }: Row): Row => ({
  uuid,
  id,
  owner,
  structure,
  url: `${String(id)}.${domain}`,
  created: seconds(created),
  updated: seconds(updated),
});

async function answer(url: URL, user: Caller): Promise<unknown> {
  const [, , , id = '', what] = url.pathname.split('/');
  if (url.pathname.startsWith('/v2/users')) {
    return page(
      'users',
      url,
      `u.*, EXISTS (SELECT FROM user_roles g JOIN roles r ON r.uuid = g.role_uuid WHERE g.user_id = u.id AND r.tag = 0) AS super`,
      'users u',
      '',
      'u.username COLLATE "C"',
      [],
      (row) => ({
        id: row.id,
        last_login: row.last_login,
        is_superuser: row.super,
        username: row.username,
        first_name: row.first_name,
        last_name: row.last_name,
        email: row.email,
        is_staff: row.super,
        is_active: row.is_active,
        date_joined: row.date_joined,
        groups: [],
        user_permissions: [],
      }),
    );
  }
  if (id === '') return page('apps', url, APP, 'apps a', 'JOIN users o ON o.id = a.owner_id', 'a.id COLLATE "C"', [], appView);
  switch (what) {
    case undefined: {
      const text = `SELECT ${APP} FROM apps a JOIN users o ON o.id = a.owner_id WHERE a.id = $1`;
      const { rows } = await pool.query<Row>({ name: 'app', text, values: [id] });
      return appView(rows[0] ?? {});
    }
    case 'releases':
      return page(
        'releases',
        url,
        'r.*, o.username AS owner',
        'releases r JOIN apps a ON a.uuid = r.app_uuid AND a.id = $1',
        'JOIN users o ON o.id = r.owner_id',
        'r.version DESC',
        [id],
        (row) => ({
          uuid: row.uuid,
          owner: row.owner,
          app: id,
          version: row.version,
          summary: row.summary,
          build: row.build_uuid,
          config: row.config_uuid,
          failed: row.state === 'failed',
          exception: row.exception,
          created: seconds(row.created),
          updated: seconds(row.updated),
        }),
      );
    case 'domains':
      return page(
        'domains',
        url,
        'd.*, o.username AS owner',
        'domains d JOIN apps a ON a.uuid = d.app_uuid AND a.id = $1',
        'JOIN users o ON o.id = d.owner_id',
        'd.domain COLLATE "C"',
        [id],
        (row) => ({ app: id, owner: row.owner, domain: row.domain, created: seconds(row.created), updated: seconds(row.updated) }),
      );
    case 'config': {
      const { rows } = await pool.query<Row>({
        name: 'config',
        text: `SELECT c.*, o.username AS owner FROM releases r JOIN configs c ON c.uuid = r.config_uuid JOIN users o ON o.id = c.owner_id
          JOIN apps a ON a.uuid = r.app_uuid WHERE a.id = $1 AND r.state <> 'failed' ORDER BY r.version DESC LIMIT 1`,
        values: [id],
      });
      const row = rows[0] ?? {};
      const opened = (column: string): unknown => JSON.parse(encryption.open(String(row[column]), `config.${column}:${String(row.uuid)}`));
      return {
        uuid: row.uuid,
        owner: row.owner,
        app: id,
        values: opened('values'),
        memory: row.memory,
        cpu: row.cpu,
        tags: row.tags,
        registry: opened('registry'),
        healthcheck: row.healthcheck,
        termination_grace_period: row.termination_grace_period,
        lifecycle_post_start: row.lifecycle_post_start,
        lifecycle_pre_stop: row.lifecycle_pre_stop,
        created: seconds(row.created),
        updated: seconds(row.updated),
      };
    }
    case 'pods': {
      const { rows } = await pool.query<Row>({
        name: 'types',
        text: 'SELECT type, count FROM process_types t JOIN apps a ON a.uuid = t.app_uuid WHERE a.id = $1',
        values: [id],
      });
      return rows.length > 0 ? { count: pods.length, results: pods } : { count: 0, results: [] };
    }
    default:
      throw new Error(`${user.username} asked for ${url.pathname}, which is not measured`);
  }
}

/** The rows that a change of the config of an app without a build makes, in one transaction. */
async function change(id: string, user: Caller, body: string): Promise<unknown> {
  const { values } = JSON.parse(body) as { values: Record<string, string> };
  const client = await pool.connect();
  const run = async (name: string, text: string, parameters: unknown[] = []): Promise<Row> =>
    (await client.query<Row>({ name, text, values: parameters })).rows[0] ?? {};
  try {
    await client.query('BEGIN');
    const app = await run('lock', 'SELECT uuid, generation FROM apps WHERE id = $1 FOR UPDATE', [id]);
    const head = await run(
      'head',
      `SELECT r.version, c.* FROM releases r JOIN configs c ON c.uuid = r.config_uuid
       WHERE r.app_uuid = $1 AND r.state <> 'failed' ORDER BY r.version DESC LIMIT 1`,
      [app.uuid],
    );
    const before = JSON.parse(encryption.open(String(head.values), `config.values:${String(head.uuid)}`)) as Record<string, string>;
    const merged = { ...before, ...values };
    const [config, release, now] = [randomUUID(), randomUUID(), new Date()];
    const version = Number(head.version) + 1;
    const sealed = (plain: unknown, name: string): string => encryption.seal(JSON.stringify(plain), name);
    await run(
      'config-row',
      `INSERT INTO configs (uuid, app_uuid, owner_id, "values", registry, memory, cpu, tags, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
      [
        config,
        app.uuid,
        user.id,
        sealed(merged, `config.values:${config}`),
        sealed({}, `config.registry:${config}`),
        head.memory,
        head.cpu,
        head.tags,
        now,
      ],
    );
    await run(
      'release-row',
      `INSERT INTO releases (uuid, app_uuid, owner_id, version, state, summary, config_uuid, change, created, updated)
       VALUES ($1, $2, $3, $4, 'succeeded', $5, $6, $7, $8, $8)`,
      [
        release,
        app.uuid,
        user.id,
        version,
        'added a value',
        config,
        sealed({ kind: 'config', patch: { values } }, `release.change:${release}`),
        now,
      ],
    );
    for (const line of [`config ${id} updated`, `${user.username} added a value`]) {
      await run('line-row', 'INSERT INTO app_log_lines (uuid, app_uuid, line) VALUES ($1, $2, $3)', [randomUUID(), app.uuid, line]);
      await run('notify', 'SELECT pg_notify($1, $2)', ['limit', app.uuid]);
    }
    for (const kind of ['release', 'config']) {
      const event = randomUUID();
      const data = sealed({ by: user.username, version }, `app_event.data:${event}`);
      await run('event-row', 'INSERT INTO app_events (uuid, app_uuid, event, data) VALUES ($1, $2, $3, $4)', [event, app.uuid, kind, data]);
    }
    for (const outcome of ['committed', '201']) {
      await run(
        'audit-row',
        `INSERT INTO audit_rows (actor, action, object, app_uuid, app, before, after, outcome) VALUES ($1, 'config.set', $2, $3, $4, $5, $6, $7)`,
        [user.username, `app:${id}`, app.uuid, id, { version: head.version }, { version }, outcome],
      );
    }
    await run('generation', 'UPDATE apps SET generation = $2, updated = now() WHERE uuid = $1', [app.uuid, Number(app.generation) + 1]);
    await client.query('COMMIT');
    return { uuid: config, owner: user.username, app: id, values: merged, created: seconds(now), updated: seconds(now) };
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(`http://${request.headers.host ?? ''}${request.url ?? ''}`);
  const user = await caller(request);
  let status = 401;
  let body: unknown = { detail: 'Invalid token.' };
  if (user && request.method === 'POST') {
    body = await change(url.pathname.split('/')[3] ?? '', user, await textOf(request));
    status = 201;
  } else if (user) {
    body = await answer(url, user);
    status = 200;
  }
  const json = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(json) }).end(json);
}

createServer((request, response) => {
  respond(request, response).catch((error: unknown) => {
    process.stdout.write(`${String(error)}\n`);
    response.writeHead(500).end();
  });
}).listen(Number(setting('PORT')), '127.0.0.1');
