import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { FaultPoints, type FaultPoint } from '../src/deploy/fault-points.ts';
import { notAsDesired } from './as-desired.ts';
import { createTestDatabase } from './database.ts';
import { SLOW_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Answer, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';

/** The tool that stops and starts the parts of the cluster under test. */
const TOOL = process.env.CLUSTER_TOOL ?? join('..', 'shared', 'cluster', 'cluster');
/** Seconds within which a Keelson that starts again has brought an app to what is recorded. */
const CONVERGED_WITHIN = Number(process.env.CONVERGED_WITHIN ?? 30);

const ASYNC = { headers: { Prefer: 'respond-async' } };
const API_SERVER = 'kube-apiserver';
const KUBELET = 'kubelet';

interface OperationAnswer {
  state: string;
  step: string;
  cause: { class: string; message: string } | null;
}

const run = promisify(execFile);
const cluster = async (...args: string[]): Promise<string> => (await run(TOOL, args)).stdout;

/** Starts what was stopped, and what ended because of it, until all of it is up and the node is ready. */
async function healed(): Promise<void> {
  await eventually(async () => {
    await cluster('resume', API_SERVER);
    await cluster('up');
    const status = await cluster('status');
    if (/\bdown\b/.test(status) || !/^\S+ +Ready /m.test(status)) throw new Error(status);
  });
}

/** Parts of a real cluster are stopped in the middle of operations: nothing else may use it meanwhile. */
describe('when parts of the cluster are away', () => {
  let database: { url: string; drop(): Promise<void> };
  let env: Record<string, string>;
  let keelson: Keelson;
  let ada: Api;

  const operation = async (location: string): Promise<OperationAnswer> => (await ada.get<OperationAnswer>(location)).json;
  const causes = (location: string, wanted: string): Promise<void> =>
    eventually(async () => {
      expect((await operation(location)).cause?.class).toBe(wanted);
    });
  const succeeds = async (location: string): Promise<void> => {
    await eventually(async () => {
      expect(['pending', 'running']).not.toContain((await operation(location)).state);
    }, 240);
    expect(await operation(location)).toMatchObject({ state: 'succeeded', cause: null });
  };
  const reached = (location: string, step: string): Promise<void> =>
    eventually(async () => {
      expect((await operation(location)).step).toBe(step);
    });
  /** The new release's process runs: without the API server, a kubelet can't get the Secret that it begins with. */
  const begun = (app: string): Promise<void> =>
    eventually(async () => {
      const { json } = await ada.get<{ results: { release: string; state: string }[] }>(`/v2/apps/${app}/pods`);
      expect(json.results.map(({ release, state }) => `${release} ${state}`)).toContain('v4 starting');
    });
  const accepted = ({ status, headers }: Answer): string => {
    expect(status).toBe(202);
    return headers.get('location') ?? '';
  };
  /** An app that runs, and gives its roll-outs so many seconds. */
  const deployed = async (prefix: string, timeout: number): Promise<string> => {
    const id = newAppId(prefix);
    expect((await ada.post('/v2/apps', { id })).status).toBe(201);
    const probe = { readinessProbe: { httpGet: { path: '/', port: 5000 }, initialDelaySeconds: 1, periodSeconds: 2 } };
    const values = { DRYCC_DEPLOY_TIMEOUT: String(timeout) };
    expect((await ada.post(`/v2/apps/${id}/config`, { values, healthcheck: { cmd: probe } })).status).toBe(201);
    const answer = await ada.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE });
    expect([answer.status, answer.json.detail]).toEqual([201, undefined]);
    return id;
  };
  const expectHealthy = async (app: string, image: string): Promise<void> => {
    const { json } = await ada.get<{ results: { failed: boolean }[] }>(`/v2/apps/${app}/releases`);
    expect(json.results.map(({ failed }) => failed)).toEqual([false, false, false, false]);
    expect(await new LiveApp(keelson, app).image('cmd')).toBe(image);
    expect(await notAsDesired(keelson, app)).toEqual([]);
    expect(await new LiveApp(keelson, app).up(ada)).toEqual(['cmd v4']);
  };

  beforeAll(async () => {
    await access(TOOL, constants.X_OK).catch(() => {
      throw new Error(`${TOOL} cannot be run: set CLUSTER_TOOL to the tool that stops and starts the parts of the cluster under test`);
    });
    await healed();
    database = await createTestDatabase();
    env = {
      DATABASE_URL: database.url,
      DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
      DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
      ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    };
    keelson = await startKeelson(env);
    ada = await keelson.register('ada');
  });

  afterEach(healed);

  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
    await database.drop();
  });

  it('a deploy that waits outlives an API server that is stopped for a minute, longer than it may take itself', async () => {
    const app = await deployed('stopped', 45);
    const location = accepted(await ada.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE }, ASYNC));
    await reached(location, 'waiting');
    await begun(app);
    await cluster('stop', API_SERVER);
    await causes(location, 'unreachable');
    await sleep(60_000);
    expect((await operation(location)).state).toBe('running');
    await healed();
    await succeeds(location);
    await expectHealthy(app, SLOW_IMAGE);
  });

  it('a deploy that waits outlives an API server that is paused, so that nothing is answered', async () => {
    const app = await deployed('paused', 30);
    const location = accepted(await ada.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE }, ASYNC));
    await reached(location, 'waiting');
    await begun(app);
    await cluster('pause', API_SERVER);
    await causes(location, 'unreachable');
    await sleep(20_000);
    expect((await operation(location)).state).toBe('running');
    await healed();
    await succeeds(location);
    await expectHealthy(app, SLOW_IMAGE);
  });

  it('an API server that stops while objects are sent gets them when it is back', async () => {
    const app = await deployed('applying', 120);
    const points = keelson.app.get(FaultPoints);
    let stopped = false;
    points.reach = async (point: FaultPoint, of: string, object?: string) => {
      if (of !== app || point !== 'sending' || !object?.startsWith('Deployment/') || stopped) return;
      stopped = true;
      await cluster('stop', API_SERVER);
    };
    try {
      const location = accepted(await ada.post(`/v2/apps/${app}/builds`, { image: WEB_2_IMAGE }, ASYNC));
      await causes(location, 'unreachable');
      expect(stopped).toBe(true);
      await healed();
      await succeeds(location);
    } finally {
      points.reach = () => Promise.resolve();
    }
    await expectHealthy(app, WEB_2_IMAGE);
  });

  it('what was recorded while the API server is stopped is there soon after both have started again', async () => {
    const app = await deployed('restart', 120);
    await cluster('stop', API_SERVER);
    const location = accepted(await ada.post(`/v2/apps/${app}/builds`, { image: WEB_2_IMAGE }, ASYNC));
    await causes(location, 'unreachable');
    await keelson.stop();
    await healed();
    const began = performance.now();
    keelson = await startKeelson(env);
    ada = await keelson.login('ada');
    await succeeds(location);
    const seconds = (performance.now() - began) / 1000;
    process.stdout.write(`restart to converged: ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeLessThan(CONVERGED_WITHIN);
    await expectHealthy(app, WEB_2_IMAGE);
  });

  it('a deploy is not to blame for a node that is not ready: its clock stands still', async () => {
    const app = await deployed('node', 70);
    const location = accepted(await ada.post(`/v2/apps/${app}/builds`, { image: WEB_2_IMAGE }, ASYNC));
    // before the pod is up
    await reached(location, 'waiting');
    await cluster('stop', KUBELET);
    // after some 40 s the control plane notices
    await causes(location, 'node');
    expect((await operation(location)).cause?.message).toMatch(/^node \S+ is not ready$|node\.kubernetes\.io/);
    await sleep(45_000);
    expect((await operation(location)).state).toBe('running');
    await healed();
    await succeeds(location);
    await expectHealthy(app, WEB_2_IMAGE);
  });
});
