import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { KEELSON, MANAGED_BY, RUN_UUID } from '../src/kubernetes/labels.ts';
import { envSecretName } from '../src/kubernetes/names.ts';
import { POD, SECRET } from '../src/kubernetes/object-kind.ts';
import { Run } from '../src/pods/run.entity.ts';
import { RunLimits } from '../src/pods/run-limits.ts';
import { CRASH_IMAGE, WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { clusterOf } from './test-cluster.ts';

interface Result {
  exit_code: number;
  output: string;
}
interface RunRow {
  id: string;
  app: string;
  owner: string;
  command: string;
  state: string;
  exit_code: number | null;
  output: string | null;
  truncated: boolean;
  created: string;
  started: string | null;
  finished: string | null;
}

jest.setTimeout(300_000);

describe('one-off runs', () => {
  const app = newAppId('run');
  let keelson: Keelson;
  let ada: Api;

  const run = (command: unknown, as = ada): Promise<Answer<Result>> => as.post<Result>(`/v2/apps/${app}/run`, { command });
  const result = async (command: string): Promise<Result> => {
    const { status, json } = await run(command);
    expect({ status, ...json }).toMatchObject({ status: 200 });
    return json;
  };
  const newest = async (): Promise<RunRow> => {
    const { json } = await ada.get<{ results: RunRow[] }>(`/v2/apps/${app}/runs?limit=1`);
    return json.results[0] as RunRow;
  };
  const runPods = async (): Promise<string[]> => {
    const found = await clusterOf(keelson).list(POD, app, `${MANAGED_BY}=${KEELSON},type=run`);
    return found.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name);
  };
  const log = async (): Promise<string> => (await ada.get(`/v2/apps/${app}/logs?log_lines=1000`)).text;
  const config = async (values: Record<string, string | null>): Promise<void> => {
    expect((await ada.post(`/v2/apps/${app}/config`, { values })).status).toBe(201);
  };

  beforeAll(async () => {
    keelson = await startKeelson();
    keelson.app.get(RunLimits).sweep = 500;
    ada = await keelson.register('ada');
    expect((await ada.post('/v2/apps', { id: app })).status).toBe(201);
  });
  afterAll(async () => {
    await destroyApps(ada);
    await keelson.stop();
  });

  it('need a build', async () => {
    const { status, json } = await run('echo hi');
    expect(status).toBe(400);
    expect(json).toEqual({ detail: 'No build associated with this release to run this command' });
    expect((await ada.get<{ results: RunRow[] }>(`/v2/apps/${app}/runs`)).json.results).toEqual([]);
  });

  it('need a command that is a string and not too long', async () => {
    for (const body of [undefined, {}, { command: null }, { command: '' }]) {
      const { status, json } = await ada.post(`/v2/apps/${app}/run`, body);
      expect(status).toBe(400);
      expect(json).toEqual({ detail: 'command is a required field' });
    }
    for (const command of [['echo', 'hi'], 7, true, {}]) {
      const { status, json } = await run(command);
      expect(status).toBe(400);
      expect(json).toEqual({ command: ['Not a valid string.'] });
    }
    const { status, json } = await run('x'.repeat(131_072));
    expect(status).toBe(400);
    expect(json).toEqual({ command: ['Ensure this field has no more than 131071 bytes.'] });
  });

  it('answer exit code and output, as they are', async () => {
    await config({ GREETING: 'hi there', KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS: '5' });
    expect((await ada.post(`/v2/apps/${app}/builds`, { image: WEB_IMAGE })).status).toBe(201);
    expect(await result('echo hi')).toEqual({ exit_code: 0, output: 'hi\n' });
    expect(await result('echo "$GREETING" "$DRYCC_APP" "$DRYCC_RELEASE"')).toEqual({ exit_code: 0, output: `hi there ${app} v3\n` });
    // a container runtime reads the two streams apart
    expect(await result('echo before; sleep 1; echo to stderr >&2; exit 3')).toEqual({ exit_code: 3, output: 'before\nto stderr\n' });
    expect(await result('true')).toEqual({ exit_code: 0, output: '' });
    expect(await result('printf "no line end, ünïcode"')).toEqual({ exit_code: 0, output: 'no line end, ünïcode' });
  });

  it('are told in the log, hidden among the pods, and leave none behind', async () => {
    const words = "echo 'one  two'; echo second";
    const before = (await ada.get(`/v2/apps/${app}/pods`)).text;
    expect(await result(words)).toEqual({ exit_code: 0, output: 'one  two\nsecond\n' });
    expect(await log()).toMatch(
      new RegExp(`^\\d\\d:\\d\\d:\\d\\d drycc\\[api\\]: ada on ${app}-run-[a-z0-9]{5} runs 'echo 'one  two'; echo second'$`, 'm'),
    );
    expect((await ada.get(`/v2/apps/${app}/pods`)).text).toBe(before);
    expect((await ada.get(`/v2/apps/${app}/pods/run`)).json).toEqual({ count: 0, results: [] });
    expect(await runPods()).toEqual([]);
  });

  it('are listed without what is long, which they have themselves', async () => {
    const command = `echo ${'y'.repeat(10_000)}`;
    const [short, long] = [await result('printf abc'), await result(command)];
    const { results } = (await ada.get<{ results: RunRow[] }>(`/v2/apps/${app}/runs?limit=2`)).json;
    expect(results).toMatchObject([
      { command: '…', output: null, truncated: true, state: 'finished', exit_code: 0, owner: 'ada' },
      { command: 'printf abc', output: short.output, truncated: false },
    ]);
    const itself = (await ada.get<RunRow>(`/v2/apps/${app}/runs/${results[0]?.id ?? ''}`)).json;
    expect(itself).toMatchObject({ command, output: long.output, truncated: false });
    await keelson.app.get(DataSource).query('DELETE FROM runs WHERE uuid = ANY($1)', [results.map(({ id }) => id)]);
  });

  it('are remembered, newest first, for who ran them and for the owner', async () => {
    const { json: page } = await ada.get<{ count: number; results: RunRow[] }>(`/v2/apps/${app}/runs?limit=2`);
    expect(page.count).toBe(6);
    expect(page.results.map(({ command }) => command)).toEqual(["echo 'one  two'; echo second", 'printf "no line end, ünïcode"']);
    const [row] = page.results;
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    expect(row).toMatchObject({ app, owner: 'ada', state: 'finished', exit_code: 0, output: 'one  two\nsecond\n', truncated: false });
    expect(row).toMatchObject({ created: time, started: time, finished: time });
    expect((await ada.get(`/v2/apps/${app}/runs/${row?.id ?? ''}`)).json).toEqual(row);
    const bob = await keelson.register('bob');
    for (const path of ['runs', `runs/${row?.id ?? ''}`]) expect((await bob.get(`/v2/apps/${app}/${path}`)).status).toBe(403);
    expect((await run('echo hi', bob)).status).toBe(403);
    await keelson.app
      .get(DataSource)
      .query(
        `INSERT INTO collaborations (app_uuid, user_id) SELECT a.uuid, u.id FROM apps a, users u WHERE a.id = $1 AND u.username = 'bob'`,
        [app],
      );
    expect((await bob.get<{ count: number }>(`/v2/apps/${app}/runs`)).json).toMatchObject({ count: 0, results: [] });
    expect((await bob.get(`/v2/apps/${app}/runs/${row?.id ?? ''}`)).status).toBe(403);
    expect((await run('echo mine', bob)).json).toEqual({ exit_code: 0, output: 'mine\n' });
    expect((await bob.get<{ results: RunRow[] }>(`/v2/apps/${app}/runs`)).json.results.map(({ owner }) => owner)).toEqual(['bob']);
    expect((await newest()).owner).toBe('bob');
    for (const id of ['nothing', '00000000-0000-4000-8000-000000000000']) {
      const { status, json } = await ada.get(`/v2/apps/${app}/runs/${id}`);
      expect(status).toBe(404);
      expect(json).toEqual({ detail: 'No Run matches the given query.' });
    }
  });

  it('keep the first MiB of what is printed, and turn what is no text into marks', async () => {
    const { output } = await result(
      'i=0; s=0123456789abcdef; while [ $i -lt 13 ]; do s="$s$s"; i=$((i+1)); done; i=0; while [ $i -lt 9 ]; do echo "$s"; i=$((i+1)); done; echo end',
    );
    expect(output).toHaveLength(1024 * 1024 + '\n[the output is cut here: only its first MiB is kept]\n'.length);
    expect(output.endsWith('\n[the output is cut here: only its first MiB is kept]\n')).toBe(true);
    const { id, ...listed } = await newest();
    expect(listed).toMatchObject({ state: 'finished', exit_code: 0, truncated: true, output: null });
    expect((await ada.get(`/v2/apps/${app}/runs/${id}`)).json).toMatchObject({ id, truncated: true, output });
    expect((await result("printf 'a\\377b\\n'")).output).toMatch(/^a.+b\n$/);
  });

  it('run side by side', async () => {
    const results = await Promise.all([1, 2, 3, 4].map((number) => result(`echo ${number}; exit ${number}`)));
    expect(results).toEqual([1, 2, 3, 4].map((number) => ({ exit_code: number, output: `${number}\n` })));
  });

  it('have their environment though its Secret was lost', async () => {
    const cluster = clusterOf(keelson);
    const secret = await cluster.get(SECRET, app, envSecretName(app, 3));
    await cluster.remove(SECRET, app, envSecretName(app, 3), secret?.metadata.uid ?? '');
    expect(await result('echo "$GREETING"')).toEqual({ exit_code: 0, output: 'hi there\n' });
  });

  it('use the release that came up last, not one that failed', async () => {
    expect((await ada.post(`/v2/apps/${app}/builds`, { image: CRASH_IMAGE })).status).toBe(400);
    expect(await result('echo "$DRYCC_RELEASE"')).toEqual({ exit_code: 0, output: 'v3\n' });
  });

  it('go on when nobody waits any more', async () => {
    const leaving = new AbortController();
    const left = ada.post(`/v2/apps/${app}/run`, { command: 'sleep 3; echo finished' }, { signal: leaving.signal }).catch(() => 'left');
    await eventually(async () => expect((await newest()).state).toBe('running'));
    leaving.abort();
    expect(await left).toBe('left');
    await eventually(async () => {
      expect(await newest()).toMatchObject({ command: 'sleep 3; echo finished', state: 'finished', exit_code: 0, output: 'finished\n' });
    });
    await eventually(async () => expect(await runPods()).toEqual([]));
  });

  it('whose process died before it made their pod are lost, and not run again', async () => {
    const database = keelson.app.get(DataSource);
    const run = await database.manager.findOneByOrFail(Run, { uuid: (await newest()).id });
    const lost = randomUUID();
    const abandoned = {
      state: 'pending',
      leaseOwner: 'a dead process',
      leaseExpires: new Date(0),
      exitCode: null,
      output: null,
      finished: null,
    };
    await database.manager.insert(Run, Object.assign(run, { uuid: lost, pod: `${app}-run-gone0` }, abandoned));
    await eventually(async () => {
      const rows = await database.query<unknown[]>('SELECT state, exit_code, lease_owner FROM runs WHERE uuid = $1', [lost]);
      expect(rows).toEqual([{ state: 'lost', exit_code: null, lease_owner: null }]);
    });
    expect(await runPods()).toEqual([]);
    expect((await ada.get(`/v2/apps/${app}/runs/${lost}`)).json).toMatchObject({ state: 'lost', command: run.command, output: null });
    await database.manager.delete(Run, { uuid: lost });
  });

  it('whose pod is made after they were given up leave none behind', async () => {
    const { output } = await result('echo once');
    const { id } = await newest();
    const labels = { [MANAGED_BY]: KEELSON, [RUN_UUID]: id, type: 'run' };
    const spec = { containers: [{ name: 'late', image: WEB_IMAGE }], restartPolicy: 'Never' };
    await clusterOf(keelson).create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'late', namespace: app, labels }, spec });
    await eventually(async () => expect(await runPods()).toEqual([]));
    expect(await newest()).toMatchObject({ id, state: 'finished', output });
  });

  it('whose pod is taken away are lost, and not run again', async () => {
    const answer = run('sleep 60');
    await eventually(async () => expect((await newest()).state).toBe('running'));
    const cluster = clusterOf(keelson);
    const [pod] = await cluster.list(POD, app, `${RUN_UUID}=${(await newest()).id}`);
    await cluster.remove(POD, app, pod?.metadata.name ?? '', pod?.metadata.uid ?? '');
    const { status, json } = await answer;
    // the cluster may show how the killed command ended, or only that its pod is gone
    if (status === 503)
      expect(json).toEqual({ detail: `${pod?.metadata.name ?? ''} (run): the pod was taken away before the command ended` });
    else expect({ status, ...json }).toMatchObject({ status: 200, exit_code: expect.any(Number) as number });
    expect(await runPods()).toEqual([]);
    expect((await newest()).state).toBe(status === 503 ? 'lost' : 'finished');
  });

  it('that take too long are ended', async () => {
    const limits = keelson.app.get(RunLimits);
    const before = limits.running;
    limits.running = 2_000;
    try {
      const { status, json } = await run('echo started; while :; do sleep 1; done');
      expect(status).toBe(503);
      expect(json).toEqual({
        detail: expect.stringMatching(new RegExp(`^${app}-run-[a-z0-9]{5} \\(run\\): Timed out \\(0 mins\\) while running$`)) as string,
      });
      expect(await newest()).toMatchObject({ state: 'timed_out', exit_code: null });
      await eventually(async () => expect(await runPods()).toEqual([]));
    } finally {
      limits.running = before;
    }
  });

  it('that no node takes say so when their time to start is up', async () => {
    // its own processes need longer than that to come up
    expect((await ada.post(`/v2/apps/${app}/scale`, { cmd: 0 })).status).toBe(204);
    expect((await ada.post(`/v2/apps/${app}/config`, { values: { DRYCC_DEPLOY_TIMEOUT: '4' }, memory: { run: '9000G' } })).status).toBe(
      201,
    );
    const { status, json } = await run('echo hi');
    expect(status).toBe(503);
    expect(json).toEqual({
      detail: expect.stringMatching(new RegExp(`^${app}-run-[a-z0-9]{5} \\(run\\): .*[Ii]nsufficient memory`)) as string,
    });
    expect(await newest()).toMatchObject({
      state: 'timed_out',
      exit_code: 1,
      output: expect.stringContaining('nsufficient memory') as string,
    });
    await eventually(async () => expect(await runPods()).toEqual([]));
  });
});
