import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { eventually } from './keelson-process.ts';
import { startReplicas, type Replica, type Replicas } from './replicas.ts';

/** Two replicas on one database and one cluster. */
describe('of several replicas', () => {
  const run = randomBytes(2).toString('hex');
  const made: string[] = [];
  let replicas: Replicas;
  let one: Replica;
  let other: Replica;
  let client: pg.Client;
  let token = '';

  const call = async (
    replica: Replica,
    method: string,
    path: string,
    body?: unknown,
    as = token,
  ): Promise<{ status: number; json: unknown }> => {
    const response = await fetch(replica.base + path, {
      method,
      headers: { ...(as && { Authorization: `token ${as}` }), 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text) };
  };
  const login = async (replica: Replica): Promise<string> => {
    const { json } = await call(replica, 'POST', '/v2/auth/login', { username: 'ada', password: 'opensesame' }, '');
    return (json as { token: string }).token;
  };
  const create = async (replica: Replica): Promise<string> => {
    const id = `replicas-${run}-${String(made.length)}`;
    made.push(id);
    expect(await call(replica, 'POST', '/v2/apps', { id })).toMatchObject({ status: 201 });
    return id;
  };

  beforeAll(async () => {
    replicas = await startReplicas(['one', 'other'], { OPERATION_LEASE: '3' });
    [one, other] = replicas.all as [Replica, Replica];
    client = new pg.Client({ connectionString: replicas.databaseUrl });
    await client.connect();
    token = await login(one);
  }, 300_000);

  afterAll(async () => {
    for (const id of made) await call(one, 'DELETE', `/v2/apps/${id}`);
    await client.end();
    await replicas.stop();
  }, 300_000);

  it('each takes up operations, whichever was asked', async () => {
    const owners = new Set<string>();
    await client.query(`CREATE TABLE owners AS SELECT ''::text AS owner`);
    await client.query(`CREATE FUNCTION note_owner() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO owners VALUES (NEW.lease_owner); RETURN NEW; END $$`);
    await client.query(`CREATE TRIGGER note_owner AFTER UPDATE ON operations
      FOR EACH ROW WHEN (NEW.lease_owner IS NOT NULL AND OLD.lease_owner IS NULL) EXECUTE FUNCTION note_owner()`);
    await eventually(async () => {
      await Promise.all([create(one), create(one), create(one), create(one)]);
      const { rows } = await client.query<{ owner: string }>(`SELECT DISTINCT owner FROM owners WHERE owner <> ''`);
      for (const { owner } of rows) owners.add(owner);
      expect(owners.size).toBe(2);
    });
    await client.query('DROP TRIGGER note_owner ON operations');
  });

  it('one at a time works on an app: parallel writes to both make consecutive releases and few roll-outs', async () => {
    const id = await create(one);
    expect((await call(other, 'POST', `/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    const before = await client.query('SELECT 1 FROM operations WHERE app_id = $1', [id]);
    const writes = Array.from({ length: 30 }, (_, index) =>
      call([one, other][index % 2] ?? one, 'POST', `/v2/apps/${id}/config`, { values: { [`KEY_${String(index)}`]: 'set' } }),
    );
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(Array<number>(30).fill(201));
    const { json } = await call(other, 'GET', `/v2/apps/${id}/releases?limit=100`);
    const { results } = json as { results: { version: number; failed: boolean }[] };
    expect(results.map(({ version }) => version)).toEqual(Array.from({ length: 32 }, (_, index) => 32 - index));
    expect(results.every(({ failed }) => !failed)).toBe(true);
    const after = await client.query('SELECT 1 FROM operations WHERE app_id = $1', [id]);
    expect((after.rowCount ?? 0) - (before.rowCount ?? 0)).toBeLessThanOrEqual(3);
    const { values } = (await call(one, 'GET', `/v2/apps/${id}/config`)).json as { values: Record<string, string> };
    expect(Object.keys(values).filter((name) => name.startsWith('KEY_'))).toHaveLength(30);
  });

  it('a token that is revoked at one is no good at the other from then on', async () => {
    const old = await login(other);
    expect((await call(other, 'GET', '/v2/apps', undefined, old)).status).toBe(200);
    const { json } = await call(one, 'POST', '/v2/auth/tokens', {}, old);
    expect((await call(other, 'GET', '/v2/apps', undefined, old)).status).toBe(401);
    token = (json as { token: string }).token;
    expect((await call(other, 'GET', '/v2/apps')).status).toBe(200);
  });

  it('one that has lost the cluster answers all the same, and leaves the work to the other', async () => {
    const id = await create(other);
    expect((await call(one, 'POST', `/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    one.cluster.refuse();
    try {
      for (let count = 0; count < 6; count++)
        for (const image of [WEB_2_IMAGE, WEB_IMAGE])
          expect((await call(one, 'POST', `/v2/apps/${id}/builds`, { image })).status).toBe(201);
    } finally {
      one.cluster.accept();
    }
    const { rows } = await client.query<{ vain: string }>('SELECT sum(attempts - 1) AS vain FROM operations WHERE app_id = $1', [id]);
    // it has to find out, and on a busy machine the other may come late
    expect(Number(rows[0]?.vain)).toBeLessThanOrEqual(4);
  });

  it('one that is paused in the middle of its work loses it to the other, and changes nothing when it goes on', async () => {
    const id = await create(other);
    expect((await call(one, 'POST', `/v2/apps/${id}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    one.process().signal('SIGSTOP');
    try {
      // whether it was the one that had taken it up or not
      expect((await call(other, 'POST', `/v2/apps/${id}/builds`, { image: WEB_2_IMAGE })).status).toBe(201);
    } finally {
      one.process().signal('SIGCONT');
    }
    const { json } = await call(one, 'GET', `/v2/apps/${id}/releases`);
    const { results } = json as { results: { version: number; failed: boolean }[] };
    expect(results.map(({ version, failed }) => `v${String(version)} ${String(failed)}`)).toEqual(['v3 false', 'v2 false', 'v1 false']);
  });
});
