import { keptFor } from './drift-recorder.ts';

it('a value is asked for again when its time is up, and at once after a failure', async () => {
  let asked = 0;
  const ask = (): Promise<number> => (++asked === 1 ? Promise.reject(new Error('away')) : Promise.resolve(asked));
  const kept = keptFor(3_600_000, ask);
  await expect(kept()).rejects.toThrow('away');
  expect(await Promise.all([kept(), kept()])).toEqual([2, 2]);
  expect(await kept()).toBe(2);
  const brief = keptFor(0, ask);
  expect([await brief(), await brief()]).toEqual([3, 4]);
});
