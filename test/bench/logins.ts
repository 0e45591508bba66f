import { FIRST_ADMIN } from '../keelson-process.ts';
import { READ_APP } from './data-set.ts';
import { load } from './load.ts';
import { number, percent, type Section } from './outcome.ts';
import type { Stage } from './stage.ts';

/** Who log in without pause meanwhile. */
const LOGINS = 8;
const LAG = 20;
const PART = 0.7;

/** Logs in without pause, and looks at what others notice of it. */
export async function measureLogins(stage: Stage, seconds: number): Promise<Section> {
  const { base, token } = stage.keelson;
  const others = { url: `${base}/v2/apps/${READ_APP}`, headers: { Authorization: `token ${token}` } };
  const credentials = JSON.stringify({ username: FIRST_ADMIN.FIRST_ADMIN_USERNAME, password: FIRST_ADMIN.FIRST_ADMIN_PASSWORD });
  // gentle, so that it is the logins that are seen and not who else wants the processor
  const alone = await load(others, seconds, 1);
  await lag(stage);
  const [logins, beside] = await Promise.all([
    load({ url: `${base}/v2/auth/login`, method: 'POST', body: () => ({ body: credentials }) }, seconds, LOGINS),
    load(others, seconds, 1),
  ]);
  const delay = await lag(stage);
  const part = beside.rate / alone.rate;
  return {
    title: 'Logins',
    columns: ['measured', 'part of it'],
    outcomes: [
      {
        work: `POST login, ${LOGINS} without pause`,
        cells: [`${number(logins.rate, 1)}/s, p99 ${number(logins.p99)} ms`, '–'],
        goal: null,
        reached: null,
      },
      {
        work: 'the event loop meanwhile',
        cells: [`lag p99 ${number(delay, 1)} ms`, '–'],
        goal: `< ${LAG} ms`,
        reached: delay < LAG,
      },
      {
        work: 'GET one app meanwhile, over one connection',
        cells: [`${number(beside.rate)}/s, ${number(alone.rate)}/s without`, percent(part)],
        goal: `≥ ${percent(PART)}`,
        reached: part >= PART,
      },
    ],
  };
}

/** Milliseconds of lag of the event loop that 99 of 100 turns had at the most since it was last asked for, as Keelson's metrics tell. */
async function lag(stage: Stage): Promise<number> {
  const text = await (await fetch(`${stage.keelson.base}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text)?.[1] ?? NaN) * 1000;
}
