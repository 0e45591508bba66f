import { load, median, spread } from './load.ts';
import { number, percent, type Section } from './outcome.ts';
import type { Stage } from './stage.ts';

const READY = 3_000;
const RESIDENT = 200;

/** Milliseconds from start to ready, each time. */
export async function measureStarts(stage: Stage, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await stage.startKeelson());
  return times;
}

/** @param large of the large data set, where that was measured too */
export function startSection(small: number[], large?: number[]): Section {
  const of = (times: number[]): string => `${number(median(times))} ms ± ${percent(spread(times))}`;
  const reached = (times: number[]): boolean => median(times) < READY;
  const outcomes = [{ work: 'start to ready, small data set', cells: [of(small)], goal: `< ${READY / 1000} s`, reached: reached(small) }];
  if (large) {
    const part = median(large) / median(small);
    outcomes.push(
      { work: 'start to ready, large data set', cells: [of(large)], goal: `< ${READY / 1000} s`, reached: reached(large) },
      { work: 'large against small', cells: [percent(part)], goal: 'within 20 %', reached: Math.abs(part - 1) <= 0.2 },
    );
  }
  return { title: 'Start', columns: ['measured'], outcomes };
}

/** Memory of a process that has just answered a lot. */
export async function measureMemory(stage: Stage, seconds: number): Promise<Section> {
  await load({ url: `${stage.keelson.base}/v2/apps`, headers: { Authorization: `token ${stage.keelson.token}` } }, seconds, 32);
  const [resident, peak] = [stage.program.resident(), stage.program.peak()];
  return {
    title: `Memory, ${stage.set.name} data set`,
    columns: ['resident', 'at the most'],
    outcomes: [
      {
        work: 'after all of the above, and 32 connections that list apps',
        cells: [`${number(resident)} MiB`, `${number(peak)} MiB`],
        goal: stage.set.name === 'small' ? `≤ ${RESIDENT} MiB resident` : null,
        reached: stage.set.name === 'small' ? resident <= RESIDENT : null,
      },
    ],
  };
}
