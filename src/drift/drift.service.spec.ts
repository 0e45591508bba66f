import type { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import type { Changes } from '../deploy/changes.ts';
import type { ClusterCache } from '../kubernetes/cluster-cache.ts';
import type { DriftChecks } from './drift-checks.ts';
import type { DriftDetector } from './drift-detector.ts';
import { DriftService } from './drift.service.ts';
import type { HealingPolicy } from './healing-policy.ts';

/** Real: who joins whom. The comparison is one that ends when the test says so. */

it('who asks for the drift of an app that is being compared joins that, and gets what it comes to', async () => {
  const ends: (() => void)[] = [];
  const detector = {
    wanted: () => Promise.resolve({}),
    find: () => new Promise((resolve) => ends.push(() => resolve({ objects: [], healable: true }))),
  } as unknown as DriftDetector;
  const manager = {
    findOneOrFail: (_: unknown, { where }: { where: App }) => Promise.resolve(where),
    findOneBy: () => Promise.resolve(null),
  };
  const drift = new DriftService(
    { manager } as unknown as DataSource,
    {} as Changes,
    { warm: () => true } as unknown as ClusterCache,
    detector,
    {} as DriftChecks,
    { healing: () => Promise.resolve('heal') } as unknown as HealingPolicy,
  );
  const begun = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (ends.length >= count) resolve();
        else setImmediate(look);
      };
      look();
    });
  const [demo, other] = [{ uuid: 'demo' }, { uuid: 'other' }] as App[];
  const reads = [drift.read(demo as App), drift.read(demo as App), drift.read(other as App)];
  await begun(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(ends).toHaveLength(2);
  for (const end of ends.splice(0)) end();
  const [first, second] = await Promise.all(reads);
  expect(second?.checked).toBe(first?.checked);

  const next = drift.read(demo as App);
  await begun(1);
  ends[0]?.();
  expect((await next).checked).not.toBe(first?.checked);
});
