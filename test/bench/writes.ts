import { appId } from './data-set.ts';
import { load, median, type Rate } from './load.ts';
import { number, percent, type Section } from './outcome.ts';
import type { Contestant, Stage } from './stage.ts';

const PART = 0.4;
/** Apps that are changed at once. */
const APPS = 100;

/** Changes the config of apps without a build, of one at a time and of many at once, at Keelson and at the limit in turn. */
export async function measureWrites(stage: Stage, rounds: number, seconds: number): Promise<Section> {
  const outcomes = [];
  for (const [work, apps, connections] of [
    ['POST config, one app after the other', APPS - 1, 1],
    ['POST config, 8 at a time', APPS - 1, 8],
    [`POST config, ${APPS - 1} apps at once`, APPS - 1, APPS - 1],
  ] as const) {
    const measured: Record<string, Rate[]> = { Keelson: [], limit: [] };
    for (let round = 0; round < rounds; round++) {
      for (const contestant of [stage.keelson, stage.limit]) {
        measured[contestant.name]?.push(await run(contestant, apps, connections, seconds));
      }
    }
    const of = (name: string): { rate: number; p99: number; bad: number } => {
      const all = measured[name] ?? [];
      return {
        rate: median(all.map(({ rate }) => rate)),
        p99: median(all.map(({ p99 }) => p99)),
        bad: all.reduce((sum, { bad }) => sum + bad, 0),
      };
    };
    const [keelson, limit] = [of('Keelson'), of('limit')];
    const part = keelson.rate / limit.rate;
    outcomes.push({
      work,
      cells: [
        `${number(keelson.rate)}/s`,
        `${number(limit.rate)}/s`,
        percent(part),
        `${number(keelson.p99)} / ${number(limit.p99)} ms`,
        String(keelson.bad),
      ],
      goal: `≥ ${percent(PART)} of the limit, no answer but 201`,
      reached: part >= PART && keelson.bad === 0,
    });
  }
  return { title: `Changes, ${stage.set.name} data set`, columns: ['Keelson', 'limit', 'part of it', 'p99', 'not 201'], outcomes };
}

let changes = 0;

/** The app that is read has a build, and is left out. */
function run({ base, token }: Contestant, apps: number, connections: number, seconds: number): Promise<Rate> {
  const body = (): { path: string; body: string } => {
    changes += 1;
    return { path: `/v2/apps/${appId(1 + (changes % apps))}/config`, body: JSON.stringify({ values: { CHANGE: String(changes) } }) };
  };
  return load({ url: base, method: 'POST', headers: { Authorization: `token ${token}` }, body, status: 201 }, seconds, connections);
}
