import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Encryption } from '../src/database/encryption.ts';
import { Cluster } from '../src/kubernetes/cluster.ts';
import { READ_APP, seed, SMALL } from './bench/data-set.ts';
import { WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { type Api, type Keelson, startKeelson } from './keelson.ts';
import { newAppId } from './live-app.ts';

/** What a request costs with few apps and with many: the same. Times are the benchmark's business (test/bench). */

const FLEETS = [10, 1_000];
const CALLS = ['apply', 'patch', 'get', 'list', 'create', 'remove', 'podLog', 'readLog'] as const;

/** With their statements: one for who asks and how he stands to the app, which gives the app too, and one for a page of everything. */
const READS: [string, number][] = [
  ['/v2/apps', 2],
  ['/v2/apps?limit=5&offset=5', 2],
  [`/v2/apps/${READ_APP}`, 1],
  [`/v2/apps/${READ_APP}/releases`, 2],
  [`/v2/apps/${READ_APP}/config`, 2],
  [`/v2/apps/${READ_APP}/pods`, 2],
  [`/v2/apps/${READ_APP}/domains`, 2],
  ['/v2/users', 2],
  ['/v2/admin/perms', 2],
];

interface Cost {
  statements: number;
  calls: number;
}

class Fleet {
  private calls = 0;

  private constructor(
    private readonly keelson: Keelson,
    readonly root: Api,
    readonly member: Api,
  ) {
    const cluster = keelson.app.get(Cluster);
    for (const name of CALLS) {
      const call = cluster[name].bind(cluster) as (...args: unknown[]) => unknown;
      const counted = (...args: unknown[]): unknown => {
        this.calls += 1;
        return call(...args);
      };
      Object.assign(cluster, { [name]: counted });
    }
  }

  static async of(apps: number): Promise<Fleet> {
    const key = { id: 'fleet', key: randomBytes(32) };
    const keelson = await startKeelson({
      ENCRYPTION_KEYS: `${key.id}:${key.key.toString('base64')}`,
      KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '1',
      // what is only rows isn't in the cluster
      DRIFT: 'report',
      DRIFT_INTERVAL: '0',
    });
    const root = await keelson.register('root');
    const client = new pg.Client({ connectionString: keelson.settings.databaseUrl });
    await client.connect();
    await seed(client, { ...SMALL, apps, users: apps / 2 }, new Encryption([key]));
    await client.end();
    return new Fleet(keelson, root, await keelson.register('member'));
  }

  /** The least of several tries: what goes on in the background can only add to it. */
  async costOf(work: () => Promise<unknown>, tries = 3): Promise<Cost> {
    const costs: Cost[] = [];
    for (let attempt = 0; attempt < tries; attempt++) {
      this.keelson.statements.length = 0;
      this.calls = 0;
      await work();
      costs.push({ statements: this.keelson.statements.length, calls: this.calls });
    }
    return { statements: Math.min(...costs.map(({ statements }) => statements)), calls: Math.min(...costs.map(({ calls }) => calls)) };
  }

  async sent(status: number, method: string, path: string, body?: unknown): Promise<void> {
    const answer = await this.member.request(method, path, body);
    expect([method, path, answer.status, answer.text]).toEqual([method, path, status, answer.text]);
  }

  stop(): Promise<void> {
    return this.keelson.stop();
  }
}

let fleets: Fleet[];

beforeAll(async () => {
  fleets = [];
  for (const apps of FLEETS) fleets.push(await Fleet.of(apps));
}, 300_000);

afterAll(async () => {
  for (const fleet of fleets) await fleet.stop();
}, 120_000);

it.each(READS)('GET %s costs as many statements with any number of apps, %i, and no call to the cluster', async (path, statements) => {
  const costs = [];
  for (const fleet of fleets) {
    costs.push(
      await fleet.costOf(async () => {
        expect((await fleet.root.get(path)).status).toBe(200);
      }),
    );
  }
  expect(costs).toEqual(FLEETS.map(() => ({ statements, calls: 0 })));
});

it('a change of config, a deploy, a scale and a delete cost the same', async () => {
  const all: Record<string, Cost>[] = [];
  for (const fleet of fleets) {
    const app = newAppId('fleet');
    const path = `/v2/apps/${app}`;
    await fleet.sent(201, 'POST', '/v2/apps', { id: app });
    const costs: Record<string, Cost> = {};
    let changes = 0;
    costs.config = await fleet.costOf(() => fleet.sent(201, 'POST', `${path}/config`, { values: { CHANGE: String((changes += 1)) } }));
    await fleet.sent(201, 'POST', `${path}/builds`, { image: WEB_IMAGE });
    costs.deploy = await fleet.costOf(() =>
      fleet.sent(201, 'POST', `${path}/builds`, { image: (changes += 1) % 2 ? WEB_IMAGE : WEB_2_IMAGE }),
    );
    costs.scale = await fleet.costOf(() => fleet.sent(204, 'POST', `${path}/scale`, { cmd: 1 + ((changes += 1) % 3) }));
    const doomed = await Promise.all(
      [0, 1, 2].map(async () => {
        const id = newAppId('doomed');
        await fleet.sent(201, 'POST', '/v2/apps', { id });
        return id;
      }),
    );
    costs.delete = await fleet.costOf(() => fleet.sent(204, 'DELETE', `/v2/apps/${doomed.pop() ?? ''}`));
    await fleet.sent(204, 'DELETE', path);
    all.push(costs);
  }
  const [few, many] = all;
  const calls = (costs: Record<string, Cost> | undefined): Record<string, number> =>
    Object.fromEntries(Object.entries(costs ?? {}).map(([work, cost]) => [work, cost.calls]));
  expect(calls(many)).toEqual(calls(few));
  // what a deploy changes are the new release's Secret and the Deployment; the namespace's Secrets are listed to take away old ones
  expect(calls(few).deploy).toBeLessThanOrEqual(2 + 2);
  expect(calls(few).scale).toBeLessThanOrEqual(3);
  expect(calls(few).delete).toBeLessThanOrEqual(3);
  expect(calls(few).config).toBe(0);
  // what they do in the database is the request's and the worker's, and who waits for whom is not the same each time
  expect(many?.config?.statements).toBe(few?.config?.statements);
});
