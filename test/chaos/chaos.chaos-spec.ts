import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, FIRST_ADMIN } from '../keelson-process.ts';
import { Agreement } from './agreement.ts';
import { Caller } from './caller.ts';
import { Dice } from './dice.ts';
import { ExpectedApp } from './expected-app.ts';
import { happen, type Mishap } from './mishaps.ts';
import { startReplicas, type Replicas } from '../replicas.ts';
import { realCluster } from '../test-cluster.ts';

const MINUTES = Number(process.env.CHAOS_MINUTES ?? '1');
const SEED = Number(process.env.CHAOS_SEED ?? '1');
const USERS = ['ada', 'bob', 'cyd'];
const APPS_EACH = 2;
/** Seconds. */
const LEASE = 4;

const MISHAPS: Record<Mishap, number> = {
  'a replica is killed': 3,
  'a replica is paused for longer than its leases': 2,
  'the connections to the database are cut': 2,
  'the database is away': 1,
  'the connections to the cluster are cut': 2,
  'the API server is paused': 2,
};

/** Writers that change apps of their own, all of them one app that they share, and everything else that breaks meanwhile. */
describe(`chaos of ${MINUTES} minutes, seed ${SEED}`, () => {
  const run = randomBytes(2).toString('hex');
  const callers = new Map<string, Caller>();
  const apps: ExpectedApp[] = [];
  /** What each writer has last set in the shared app. */
  const shared = { id: `chaos-${run}-shared`, values: {} as Record<string, string>, writes: 0, versions: new Set<number>() };
  const answers: { mutation: string; took: number; interrupted: number }[] = [];
  const mishaps: Record<string, number> = {};
  const dice = new Dice(SEED);
  let replicas: Replicas;
  let ending = false;
  let quiet = 0;
  let agreement: Agreement;

  beforeAll(async () => {
    replicas = await startReplicas(['one', 'other'], { REQUEST_WAIT: '20', OPERATION_LEASE: String(LEASE) });
    for (const username of USERS) {
      const caller = new Caller(replicas.all, new Dice(SEED + callers.size + 1));
      callers.set(username, caller);
      // the first one comes with the replicas
      const status = username === FIRST_ADMIN.FIRST_ADMIN_USERNAME ? 400 : 201;
      expect((await caller.call('POST', '/v2/auth/register', { username, password: 'opensesame' })).status).toBe(status);
      const { json } = await caller.call('POST', '/v2/auth/login', { username, password: 'opensesame' });
      caller.token = (json as { token: string }).token;
    }
    agreement = new Agreement(realCluster ?? replicas.kubeconfig, caller('ada'));
  }, 300_000);

  afterAll(async () => {
    for (const { id } of [...apps, shared]) await caller('ada').call('DELETE', `/v2/apps/${id}`);
    await replicas.stop();
  }, 600_000);

  const caller = (username: string): Caller => {
    const found = callers.get(username);
    if (!found) throw new Error(`nobody is ${username}`);
    return found;
  };

  /** Writes until time is up; what it did last has an answer then. */
  const writer = async (app: ExpectedApp, pace: Dice): Promise<void> => {
    await app.create();
    while (!ending) {
      const { mutation, answer } = await app.mutate();
      answers.push({ mutation, took: answer.took, interrupted: answer.interrupted });
      await sleep(pace.whole(0, 1_000));
    }
  };

  const sharing = async (username: string, pace: Dice): Promise<void> => {
    for (let count = 1; !ending; count++) {
      const values = { [`KEY_${username.toUpperCase()}`]: `${username} ${count}` };
      const answer = await caller(username).call('POST', `/v2/apps/${shared.id}/config`, { values });
      if (answer.status !== 201) throw new Error(`config of ${shared.id} answered ${answer.status}: ${JSON.stringify(answer.json)}`);
      Object.assign(shared.values, values);
      shared.writes += 1;
      shared.versions.add(answer.release ?? 0);
      answers.push({ mutation: 'shared set', took: answer.took, interrupted: answer.interrupted });
      await sleep(pace.whole(500, 3_000));
    }
  };

  const trouble = async (): Promise<void> => {
    for (;;) {
      await sleep(dice.whole(2_000, 6_000));
      if (ending) break;
      const mishap = dice.weighted(MISHAPS);
      mishaps[mishap] = (mishaps[mishap] ?? 0) + 1;
      await happen(mishap, replicas, dice, LEASE);
    }
    quiet = performance.now();
  };

  it(
    'loses nothing that was acknowledged',
    async () => {
      expect((await caller('ada').call('POST', '/v2/apps', { id: shared.id })).status).toBe(201);
      for (const username of USERS.slice(1))
        expect((await caller('ada').call('POST', `/v2/apps/${shared.id}/perms`, { username })).status).toBe(201);
      for (const username of USERS)
        for (let number = 1; number <= APPS_EACH; number++)
          apps.push(new ExpectedApp(`chaos-${run}-${username}${number}`, caller(username), new Dice(SEED * 31 + apps.length)));

      const end = setTimeout(() => (ending = true), MINUTES * 60_000);
      try {
        await Promise.all([
          ...apps.map((app, index) => writer(app, new Dice(SEED * 17 + index))),
          ...USERS.map((username, index) => sharing(username, new Dice(SEED * 13 + index))),
          trouble(),
        ]);
      } finally {
        ending = true;
        clearTimeout(end);
      }

      for (const app of [...apps, shared]) await eventually(async () => expect(await agreement.open(app.id)).toEqual([]), 300);
      for (const app of apps) {
        await eventually(async () => agreement.assertShown(app), 120);
        await agreement.assertRecorded(app);
        for (const id of app.destroyed) await eventually(async () => agreement.assertGone(id), 120);
      }
      const convergence = Math.round(performance.now() - quiet);
      const { json } = await caller('ada').call('GET', `/v2/apps/${shared.id}/config`);
      expect((json as { values: object }).values).toMatchObject(shared.values);
      // every write a release of its own, however it was repeated
      expect(shared.versions.size).toBe(shared.writes);
      expect([...callers.values()].flatMap(({ complaints }) => complaints)).toEqual([]);
      report(convergence);
    },
    MINUTES * 60_000 + 1_500_000,
  );

  function report(convergence: number): void {
    const slowest = answers.reduce((most, { took }) => Math.max(most, took), 0);
    const interrupted = answers.filter((answer) => answer.interrupted > 0).length;
    const count = (of: string): number => answers.filter(({ mutation }) => mutation === of).length;
    const kinds = [...new Set(answers.map(({ mutation }) => mutation))].sort().map((kind) => `${count(kind)} ${kind}`);
    const lines = [
      `${answers.length} operations acknowledged (${kinds.join(', ')}), ${interrupted} of them after they were interrupted and repeated`,
      `faults: ${Object.entries(mishaps)
        .map(([mishap, times]) => `${times} x ${mishap}`)
        .join(', ')}`,
      `slowest answer, faults included: ${(slowest / 1000).toFixed(1)} s; all converged ${(convergence / 1000).toFixed(1)} s after the last fault`,
    ];
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
});
