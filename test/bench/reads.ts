import { READ_APP, READ_DOMAINS, READ_RELEASES, type DataSet } from './data-set.ts';
import { load, median, spread, type Rate } from './load.ts';
import { number, percent, type Outcome, type Section } from './outcome.ts';
import type { Contestant, Stage } from './stage.ts';

/** Parts of the limit's rate, and times of its p99, that are to be reached. */
const RATE = 0.6;
const P99 = 2;

interface Read {
  work: string;
  path: string;
  /** Whether the limit answers it too. */
  limit: boolean;
}

const APP = `/v2/apps/${READ_APP}`;

function readsOf({ apps }: DataSet): Read[] {
  const pages =
    apps <= 100
      ? []
      : [
          { work: `apps, middle page of ${apps}`, path: `/v2/apps?offset=${apps / 2}`, limit: true },
          { work: `apps, last page of ${apps}`, path: `/v2/apps?offset=${apps - 100}`, limit: true },
        ];
  return [
    { work: apps <= 100 ? `apps, ${apps}` : `apps, first page of ${apps}`, path: '/v2/apps', limit: true },
    ...pages,
    { work: 'one app', path: APP, limit: true },
    { work: `releases, ${READ_RELEASES}`, path: `${APP}/releases`, limit: true },
    { work: 'config', path: `${APP}/config`, limit: true },
    { work: 'pods, 10', path: `${APP}/pods`, limit: true },
    { work: `domains, ${READ_DOMAINS + 1}`, path: `${APP}/domains`, limit: true },
    { work: 'users', path: '/v2/users', limit: true },
    { work: 'certificates', path: '/v2/certs', limit: false },
    { work: "a user's access", path: `${APP}/access/user-00000`, limit: false },
    { work: 'audit page', path: `${APP}/audit`, limit: false },
  ];
}

/** What each read came to, for comparisons between data sets. */
export type Rates = Map<string, number>;

/** Reads pages from all contestants in turn, round after round. @param peers other servers that speak the same API */
export async function measureReads(
  stage: Stage,
  peers: readonly Contestant[],
  rounds: number,
  seconds: number,
): Promise<{ section: Section; rates: Rates }> {
  const outcomes: Outcome[] = [];
  const rates: Rates = new Map();
  for (const { work, path, limit } of readsOf(stage.set)) {
    const contestants = [stage.keelson, ...(limit ? [stage.limit] : []), ...peers];
    if (limit) await assertSame(path, stage.keelson, stage.limit);
    const measured = new Map<string, Rate[]>(contestants.map(({ name }) => [name, []]));
    for (const contestant of contestants) await run(contestant, path, 1);
    for (let round = 0; round < rounds; round++) {
      for (const contestant of contestants) measured.get(contestant.name)?.push(await run(contestant, path, seconds));
    }
    const of = (name: string): { rate: number; p99: number; spread: number } => {
      const all = measured.get(name) ?? [];
      return {
        rate: median(all.map(({ rate }) => rate)),
        p99: median(all.map(({ p99 }) => p99)),
        spread: spread(all.map(({ rate }) => rate)),
      };
    };
    const [keelson, bare] = [of('Keelson'), of('limit')];
    rates.set(path.startsWith('/v2/apps?') || path === '/v2/apps' ? work : path, keelson.rate);
    const part = keelson.rate / bare.rate;
    outcomes.push({
      work: `GET ${work}`,
      cells: [
        `${number(keelson.rate)}/s ± ${percent(keelson.spread)}`,
        limit ? `${number(bare.rate)}/s ± ${percent(bare.spread)}` : '–',
        limit ? percent(part) : '–',
        limit ? `${number(keelson.p99)} / ${number(bare.p99)} ms` : `${number(keelson.p99)} ms`,
        ...peers.map(({ name }) => `${number(of(name).rate)}/s`),
      ],
      goal: limit ? `≥ ${percent(RATE)} of the limit, p99 ≤ ${P99} × the limit's` : null,
      reached: limit ? part >= RATE && keelson.p99 <= P99 * bare.p99 : null,
    });
  }
  const columns = ['Keelson', 'limit', 'part of it', 'p99', ...peers.map(({ name }) => name)];
  return { section: { title: `Reads, ${stage.set.name} data set`, columns, outcomes }, rates };
}

async function run({ name, base, token }: Contestant, path: string, seconds: number): Promise<Rate> {
  const rate = await load({ url: base + path, headers: { Authorization: `token ${token}` } }, seconds);
  if (rate.bad > 0) throw new Error(`${name}: ${rate.bad} of ${rate.answers} answers to ${path} were not 200`);
  return rate;
}

/** The limit is none if it does less: it has to answer the same. */
async function assertSame(path: string, one: Contestant, other: Contestant): Promise<void> {
  const [a, b] = await Promise.all(
    [one, other].map(async ({ base, token }) => {
      const response = await fetch(base + path, { headers: { Authorization: `token ${token}` } });
      return JSON.stringify(await response.json()).replaceAll(base, '');
    }),
  );
  if (a !== b) throw new Error(`${path} is answered otherwise by the limit:\n${String(a).slice(0, 500)}\n${String(b).slice(0, 500)}`);
}

/** How the rates on the large set stand to those on the small one. */
export function compareSets(small: Rates, large: Rates, { apps }: DataSet): Section {
  const pairs = [...small].flatMap(([work, rate]): [string, number, number][] => {
    const other = large.get(work.startsWith('apps, ') ? `apps, first page of ${apps}` : work);
    return other === undefined ? [] : [[work, rate, other]];
  });
  const first = large.get(`apps, first page of ${apps}`) ?? NaN;
  const last = large.get(`apps, last page of ${apps}`) ?? NaN;
  return {
    title: 'The large data set against the small one',
    columns: ['small', 'large', 'part of it'],
    outcomes: [
      ...pairs.map(([work, rate, other]) => ({
        work: `GET ${work}`,
        cells: [`${number(rate)}/s`, `${number(other)}/s`, percent(other / rate)],
        goal: '≥ 90 %',
        reached: other / rate >= 0.9,
      })),
      {
        work: 'apps, last page against the first',
        cells: [`${number(first)}/s`, `${number(last)}/s`, percent(last / first)],
        goal: '≥ 50 %',
        reached: last / first >= 0.5,
      },
    ],
  };
}
