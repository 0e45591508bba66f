import { MissingPermission, OutOfReach } from '../kubernetes/cluster-errors.ts';
import { Lease, LeaseLost } from './lease.ts';
import { withPermission } from './permission-grace.ts';

const lease = (): Lease => new Lease('an operation', 1, performance.now(), 3_600_000);
const refused = new MissingPermission('deployments.apps is forbidden: User "keelson" cannot patch resource "deployments"');

it('a right that comes late is waited for', async () => {
  let asked = 0;
  const work = () => (++asked < 3 ? Promise.reject(refused) : Promise.resolve('applied'));
  await expect(withPermission(lease(), work, { grace: 60_000, pause: 1 })).resolves.toBe('applied');
  expect(asked).toBe(3);
});

it('a right that stays away is told in the end', async () => {
  let asked = 0;
  const work = () => Promise.reject((asked++, refused));
  await expect(withPermission(lease(), work, { grace: 50, pause: 10 })).rejects.toBe(refused);
  expect(asked).toBeGreaterThan(1);
});

it('anything else is not waited for, nor is it waited without the lease', async () => {
  const away = new OutOfReach('refused');
  await expect(withPermission(lease(), () => Promise.reject(away), { grace: 60_000, pause: 1 })).rejects.toBe(away);
  const lost = lease();
  lost.lose();
  await expect(withPermission(lost, () => Promise.reject(refused), { grace: 60_000, pause: 1 })).rejects.toBeInstanceOf(LeaseLost);
});
