import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { READ_APP } from './data-set.ts';
import { load } from './load.ts';
import { number, percent, type Outcome, type Section } from './outcome.ts';
import { makePods, type PodOwner } from './pods.ts';
import { IDLE_FOR } from './program.ts';
import type { Stage } from './stage.ts';

const MINUTES = 10;
const RESIDENT = 1024;
const PART = 0.7;
const KIB_A_POD = 12;
/**
 * Has every app of a data set brought to an empty cluster, gives each pods, and lets Keelson start on that: it looks at every app.
 * The stage's Keelson is started anew for it.
 */
export async function measureDrift(stage: Stage, seconds: number): Promise<Section> {
  const client = new pg.Client({ connectionString: stage.database });
  await client.connect();
  try {
    const outcomes: Outcome[] = [];
    const { apps, pods } = stage.set;
    const brought = await bringAll(stage, client, apps);
    outcomes.push({ work: `${apps} apps brought to an empty cluster`, cells: [`${number(brought)} s`, '–'], goal: null, reached: null });

    await stage.startKeelson({ DRIFT: 'report' });
    await stage.program.rest();
    const before = stage.program.resident();
    const { rows } = await client.query<PodOwner>('SELECT uuid, id FROM apps ORDER BY id');
    const installation = (await client.query<{ id: string }>('SELECT id FROM installation')).rows[0]?.id ?? '';
    await makePods(stage.sandbox, rows, installation, Math.round(pods / apps));
    await stage.startKeelson({ DRIFT: 'report' });
    await stage.program.rest();
    const perPod = ((stage.program.resident() - before) * 1024) / pods;
    outcomes.push({
      work: `${pods} pods in the cache`,
      cells: [`${number(perPod, 1)} KiB each`, '–'],
      goal: `≤ ${KIB_A_POD} KiB each`,
      reached: perPod <= KIB_A_POD,
    });

    const url = { url: `${stage.keelson.base}/v2/apps/${READ_APP}`, headers: { Authorization: `token ${stage.keelson.token}` } };
    const alone = await load(url, seconds, 1);
    await stage.startKeelson({ DRIFT: 'heal', DRIFT_INTERVAL: '600' });
    const began = performance.now();
    const beside = await load({ ...url, url: `${stage.keelson.base}/v2/apps/${READ_APP}` }, seconds, 1);
    const cpu = await stage.program.rest();
    const took = (performance.now() - began) / 1000 - IDLE_FOR;
    const part = beside.rate / alone.rate;
    outcomes.push(
      {
        work: 'a look at every app after a start',
        cells: [`${number(took)} s`, `${number(cpu)} s of a processor, ${number(stage.program.peak())} MiB at the most`],
        goal: `< ${MINUTES} min, < ${RESIDENT / 1024} GiB`,
        reached: took < MINUTES * 60 && stage.program.peak() < RESIDENT,
      },
      {
        work: 'GET one app meanwhile, over one connection',
        cells: [`${number(beside.rate)}/s, ${number(alone.rate)}/s without`, percent(part)],
        goal: `≥ ${percent(PART)}`,
        reached: part >= PART,
      },
    );
    return { title: `Drift, ${stage.set.name} data set`, columns: ['measured', ''], outcomes };
  } finally {
    await client.end();
  }
}

/** Seconds until every app is in the cluster, which had none of them. */
async function bringAll(stage: Stage, client: pg.Client, apps: number): Promise<number> {
  await stage.startKeelson({ DRIFT: 'heal' });
  const began = performance.now();
  for (;;) {
    const { rows } = await client.query<{ brought: string }>(
      `SELECT count(DISTINCT app_uuid) AS brought FROM operations WHERE state = 'succeeded'`,
    );
    if (Number(rows[0]?.brought) >= apps) return (performance.now() - began) / 1000;
    await sleep(1_000);
  }
}
