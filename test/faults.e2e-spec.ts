import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { FAULT_POINTS, type FaultPoint } from '../src/deploy/fault-points.ts';
import { AppModel, Observer } from './app-agreement.ts';
import { createTestDatabase } from './database.ts';
import { HeldKeelson, type Hold } from './held-keelson.ts';
import { CRASH_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { eventually, FIRST_ADMIN, freePort } from './keelson-process.ts';
import { newAppId } from './live-app.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';

/** Seconds: short, because every round waits for one to run out. */
const LEASE = 2;

const DEPLOYS: readonly FaultPoint[] = ['claimed', 'begun', 'sending', 'applied', 'waiting', 'came-up', 'removing', 'shown', 'recorded'];
const REQUEST: readonly FaultPoint[] = ['committed', 'answering'];

/** What is done to an app in each round, the points that it passes, and how many objects are sent for it. */
const OPERATIONS = {
  create: { answer: 201, sends: 3, points: [...REQUEST, ...DEPLOYS.filter((point) => point !== 'removing')] },
  deploy: { answer: 201, sends: 3, points: [...REQUEST, ...DEPLOYS] },
  config: { answer: 201, sends: 3, points: [...REQUEST, ...DEPLOYS] },
  scale: { answer: 204, sends: 2, points: [...REQUEST, ...DEPLOYS.filter((point) => point !== 'removing')] },
  rollback: { answer: 201, sends: 3, points: [...REQUEST, ...DEPLOYS] },
  destroy: { answer: 204, sends: 0, points: [...REQUEST, 'claimed', 'pods-ended', 'removing', 'namespace-gone', 'recorded'] },
  /** A deploy of an image that crashes: cut off before it has failed … */
  failing: { answer: 400, sends: 3, points: [...REQUEST, ...DEPLOYS, 'failing', 'failed'] },
  /** … and on the way back. */
  undo: { answer: 400, sends: 3, points: [...REQUEST, ...DEPLOYS, 'failing', 'failed'] },
} as const satisfies Record<string, { answer: number; sends: number; points: readonly FaultPoint[] }>;
type Name = keyof typeof OPERATIONS;
const NAMES = Object.keys(OPERATIONS) as Name[];

/** Where the way back can be cut off, as a failing deploy is before it. */
const WAY_BACK: readonly FaultPoint[] = ['begun', 'sending', 'applied', 'waiting', 'came-up', 'removing', 'shown'];

/** Whose apps have something to take away: a scale doesn't look for it. */
const LEFTOVERS: readonly Name[] = ['deploy', 'config', 'rollback', 'failing', 'undo'];

/** A point, and for those that come once for each object, the how-manieth of them. */
interface Place {
  point: FaultPoint;
  nth: number;
}

/** Where operations of a kind are cut off. `committed` has a round of its own: nobody may work on what is only committed. */
const placesOf = (name: Name): Place[] => {
  const { points, sends } = OPERATIONS[name];
  return FAULT_POINTS.filter((point) => (name === 'undo' ? WAY_BACK : (points as readonly FaultPoint[])).includes(point))
    .filter((point) => point !== 'committed')
    .flatMap((point) =>
      Array.from({ length: point === 'sending' || point === 'applied' ? sends : 1 }, (_, index) => ({ point, nth: index + 1 })),
    );
};

/** So many apps have the same operation in each round, each cut off at a place of its own. */
const LANES = 2;
const ROUNDS = Math.ceil(Math.max(...NAMES.map((name) => placesOf(name).length)) / LANES);
const COMMITTED: Place = { point: 'committed', nth: 1 };

interface Answer {
  status: number;
  text: string;
}

/** One of the apps with an operation in each round. */
interface Slot {
  name: Name;
  lane: number;
  app: AppModel;
}

describe('whatever happens to its owner, an operation ends, and the cluster shows what is recorded', () => {
  let folder: string;
  let database: { url: string; drop(): Promise<void> };
  let sandbox: SandboxProcess;
  let client: pg.Client;
  let observer: Observer;
  let env: Record<string, string>;
  let owner: HeldKeelson;
  let standby: HeldKeelson | undefined;
  let token = '';
  let round = 0;
  let cutShort = false;
  const slots: Slot[] = [];
  const tried = { rounds: 0, operations: 0, killed: 0, paused: 0, stale: 0 };

  const start = async (): Promise<HeldKeelson> => HeldKeelson.start({ ...env, PORT: String(await freePort()) });
  const call = async (keelson: HeldKeelson, method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(keelson.base + path, {
      method,
      headers: { ...(token && { Authorization: `token ${token}` }), 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  const done = async (keelson: HeldKeelson, path: string, body: unknown): Promise<void> => {
    const { status, text } = await call(keelson, 'POST', path, body);
    if (status !== 201) throw new Error(`${path} was answered with ${String(status)}: ${text}`);
  };
  /** An app with two process types. */
  const deployed = async (keelson: HeldKeelson, app: AppModel): Promise<void> => {
    await built(keelson, app);
    expect((await call(keelson, 'POST', `/v2/apps/${app.id}/scale`, { worker: 1 })).status).toBe(204);
    app.counts = { web: 1, worker: 1 };
  };
  const built = async (keelson: HeldKeelson, app: AppModel): Promise<void> => {
    await done(keelson, `/v2/apps/${app.id}/builds`, build(WEB_IMAGE));
    app.released(WEB_IMAGE);
    app.counts = { web: 1 };
  };
  const build = (image: string): object => ({ image, procfile: { web: 'serve', worker: 'work' } });
  const newApp = async (keelson: HeldKeelson, id: string): Promise<AppModel> => {
    await done(keelson, '/v2/apps', { id });
    return new AppModel(id);
  };

  /** Begins the operation of this round. What it will have changed is noted at once: the change itself is never cut off. */
  const begin = ({ name, app }: Slot): Promise<Answer> => {
    const path = `/v2/apps/${app.id}`;
    const image = app.image === WEB_IMAGE ? WEB_2_IMAGE : WEB_IMAGE;
    switch (name) {
      case 'create':
        app.destroyed = false;
        return call(owner, 'POST', '/v2/apps', { id: app.id });
      case 'deploy':
        app.released(image);
        return call(owner, 'POST', `${path}/builds`, build(image));
      case 'config':
        app.released(app.image);
        return call(owner, 'POST', `${path}/config`, { values: { ROUND: round } });
      case 'scale':
        app.counts = app.counts.web === 1 ? { web: 2, worker: 2 } : { web: 1, worker: 1 };
        return call(owner, 'POST', `${path}/scale`, app.counts);
      case 'rollback': {
        const version = app.image === WEB_IMAGE ? 3 : 2;
        app.released(image);
        return call(owner, 'POST', `${path}/releases/rollback`, { version });
      }
      case 'destroy':
        app.destroyed = true;
        return call(owner, 'DELETE', path);
      case 'failing':
      case 'undo':
        app.failed();
        return call(owner, 'POST', `${path}/builds`, build(CRASH_IMAGE));
    }
  };

  /** Runs an operation on each app, and holds it where it comes to its place. */
  const holdAll = async (placeOf: (slot: Slot) => Place | null): Promise<Map<Slot, Promise<Answer | null>>> => {
    for (const { name, app } of slots) if (LEFTOVERS.includes(name)) await observer.leaveSecret(app);
    const bySlot = new Map(slots.map((slot) => [slot.app.id, { slot, place: placeOf(slot), seen: 0 }]));
    const committed = slots.every((slot) => placeOf(slot) === COMMITTED);
    const hold: Hold = ({ app, point }) => {
      const at = bySlot.get(app);
      if (!at?.place || point !== at.place.point) return false;
      if (at.slot.name === 'undo' && !committed && !owner.passed.get(app)?.has('failed')) return false;
      at.seen += 1;
      return at.seen === at.place.nth;
    };
    owner.watch(hold);
    await owner.claims(!committed);
    const settled = new Set<Slot>();
    const answers = new Map(
      slots.map((slot) => {
        const answer = begin(slot).then(
          (given) => (settled.add(slot), given),
          () => null,
        );
        return [slot, answer] as const;
      }),
    );
    await eventually(() => {
      const going = slots.filter((slot) => {
        const { id } = slot.app;
        return placeOf(slot) ? !owner.still(id) : !(settled.has(slot) && owner.workedOn(id));
      });
      if (going.length > 0) throw new Error(`neither held nor over: ${going.map(({ app }) => owner.whereabouts(app.id)).join('; ')}`);
      return Promise.resolve();
    });
    for (const slot of slots) {
      const { name, app } = slot;
      const passed = [...(owner.passed.get(app.id) ?? [])];
      const table: readonly FaultPoint[] = OPERATIONS[name].points;
      expect([name, table]).toEqual([name, expect.arrayContaining(passed)]);
      if (!placeOf(slot)) expect([name, [...passed].sort()]).toEqual([name, [...table].sort()]);
      // the request and the worker go side by side, and the way back begins anew
      const worker = passed.filter((each) => !REQUEST.includes(each));
      const order = FAULT_POINTS.filter((each) => worker.includes(each));
      if (name === 'create' || name === 'deploy' || name === 'config' || name === 'scale' || name === 'rollback')
        expect([name, worker]).toEqual([name, order]);
    }
    tried.operations += owner.held.size;
    tried.rounds += 1;
    return answers;
  };

  const allOver = (): Promise<void> =>
    eventually(async () => {
      const { rows } = await client.query<{ app_id: string; state: string; step: string }>(
        `SELECT app_id, state, step FROM operations WHERE finished IS NULL`,
      );
      if (rows.length > 0) throw new Error(`operations that haven't ended: ${JSON.stringify(rows)}`);
    });
  const agreed = async (): Promise<void> => {
    await eventually(async () => {
      for (const { app } of slots) await observer.assertAgrees(app);
    });
    await allOver();
  };
  const slotsOf = (name: Name): Slot[] => slots.filter((slot) => slot.name === name);
  /** What was created becomes what is destroyed next, unless that is there again, and there is something new to create. */
  const nextApps = async (keelson: HeldKeelson): Promise<void> => {
    await Promise.all(
      slotsOf('create').map(async (slot) => {
        const destroy = slots.find(({ name, lane }) => name === 'destroy' && lane === slot.lane);
        if (destroy?.app.destroyed) {
          await built(keelson, slot.app);
          destroy.app = slot.app;
        }
        slot.app = AppModel.absent(newAppId('create'));
      }),
    );
    await agreed();
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keelson-faults-'));
    database = await createTestDatabase();
    client = new pg.Client({ connectionString: database.url });
    await client.connect();
    sandbox = await startSandboxProcess();
    observer = await Observer.of(sandbox, client);
    env = {
      HOST: '127.0.0.1',
      DATABASE_URL: database.url,
      KUBECONFIG: sandbox.kubeconfig,
      DATA_DIR: join(folder, 'data'),
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      ...FIRST_ADMIN,
      LOG_LEVEL: 'error',
      OPERATION_LEASE: String(LEASE),
      // what a watch shows is healed all the same; what it doesn't show are the secrets that are left for deploys to take away
      DRIFT_INTERVAL: '0',
    };
    owner = await start();
    await owner.claims(true);
    const login = await call(owner, 'POST', '/v2/auth/login', { username: 'ada', password: 'opensesame' });
    token = (JSON.parse(login.text) as { token: string }).token;
    for (const name of NAMES) {
      for (let lane = 0; lane < LANES; lane++) slots.push({ name, lane, app: AppModel.absent(newAppId(name)) });
    }
    await Promise.all(
      slots.map(async (slot) => {
        if (slot.name === 'create') return;
        slot.app = await newApp(owner, slot.app.id);
        await deployed(owner, slot.app);
        if (slot.name !== 'rollback') return;
        await done(owner, `/v2/apps/${slot.app.id}/builds`, build(WEB_2_IMAGE));
        slot.app.released(WEB_2_IMAGE);
      }),
    );
    await agreed();
  }, 300_000);

  afterAll(async () => {
    await Promise.all([owner.kill(), standby?.kill()]);
    await sandbox.stop();
    await client.end();
    await database.drop();
    await rm(folder, { recursive: true });
    process.stdout.write(
      `${String(FAULT_POINTS.length)} fault points x 2 kinds x ${String(NAMES.length)} operations: in ${String(tried.rounds)} rounds ` +
        `${String(tried.operations)} operations were cut off ` +
        `(${String(tried.killed)} by SIGKILL, ${String(tried.paused)} by a pause past the lease); ` +
        `${String(tried.stale)} calls of stale owners landed and were set right\n`,
    );
  }, 120_000);

  // the rounds build on each other: after one that failed, the others would only wait in vain
  beforeEach(() => {
    if (cutShort) throw new Error('an earlier round failed');
    cutShort = true;
    round += 1;
  });

  const rounds: [string, (slot: Slot) => Place | null][] = [
    ['what is only committed', () => COMMITTED],
    ...Array.from({ length: ROUNDS }, (_, index): [string, (slot: Slot) => Place | null] => [
      `operations at their places ${String(index * LANES + 1)} to ${String(index * LANES + LANES)}`,
      ({ name, lane }) => placesOf(name)[index * LANES + lane] ?? null,
    ]),
  ];

  it.each(rounds)('killed with %s, another process ends them', async (_, placeOf) => {
    const answers = await holdAll(placeOf);
    tried.killed += owner.held.size;
    await owner.kill();
    owner = await start();
    await owner.claims(true);
    await allOver();
    await agreed();
    for (const [{ name }, answer] of answers) {
      const given = await answer;
      if (given) expect([name, given.status]).toEqual([name, OPERATIONS[name].answer]);
    }
    await nextApps(owner);
    cutShort = false;
  });

  it.each(rounds)('paused with %s, it is taken over, and records nothing when it goes on', async (_, placeOf) => {
    standby ??= await start();
    const [stale, takenOver] = [owner, standby];
    const answers = await holdAll(placeOf);
    tried.paused += stale.held.size;
    await stale.claims(false);
    stale.signal('SIGSTOP');
    await takenOver.claims(true);
    await allOver();
    await agreed();
    // so that what the stale owner sends is not what is wanted any more
    await Promise.all(
      slots.map(async (slot) => {
        const { name, app } = slot;
        if (name === 'create') return;
        if (name === 'destroy') {
          slot.app = await newApp(takenOver, app.id);
          await built(takenOver, slot.app);
          return;
        }
        await done(takenOver, `/v2/apps/${app.id}/config`, { values: { AFTER: round } });
        app.released(app.image);
      }),
    );
    await allOver();
    await agreed();
    const recorded = await observer.records();
    const before = new Map(stale.calls);
    stale.signal('SIGCONT');
    stale.letGo();
    for (const [{ name, app }, answer] of answers) {
      const given = await answer;
      if (given?.status !== OPERATIONS[name].answer) throw new Error(`${app.id} got ${JSON.stringify(given)}`);
    }
    await eventually(() => {
      const busy = slots.filter(({ app }) => !stale.idle(app.id));
      if (busy.length > 0) throw new Error(`still at work: ${busy.map(({ app }) => app.id).join(', ')}`);
      return Promise.resolve();
    });
    for (const slot of slots) {
      const { name, app } = slot;
      const point = placeOf(slot)?.point;
      const calls = (stale.calls.get(app.id) ?? []).slice((before.get(app.id) ?? []).length);
      expect([name, point, calls.length]).toEqual([name, point, point === 'sending' || point === 'removing' ? 1 : 0]);
      tried.stale += calls.length;
    }
    expect(await observer.records()).toEqual(recorded);
    // a watch shows what the last call in flight did, and it is set right
    await agreed();
    await nextApps(takenOver);
    [owner, standby] = [takenOver, stale];
    cutShort = false;
  });

  it('every operation was cut off at every place that it passes, in both ways', () => {
    const places = LANES * NAMES.length + NAMES.flatMap(placesOf).length;
    expect(tried).toMatchObject({ rounds: 2 * rounds.length, operations: 2 * places, killed: places, paused: places });
    const points = [COMMITTED, ...NAMES.flatMap(placesOf)].map(({ point }) => point);
    expect(FAULT_POINTS.filter((point) => !points.includes(point))).toEqual([]);
  });
});
