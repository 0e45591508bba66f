import { WorkSlots } from './work-slots.ts';

/** Something that goes on until it is told to end. */
function task(): { work: () => Promise<void>; begun: Promise<void>; end: () => void } {
  let [end, begin] = [(): void => undefined, (): void => undefined];
  const ended = new Promise<void>((resolve) => (end = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const work = async (): Promise<void> => {
    begin();
    await ended;
  };
  return { work, begun, end: () => end() };
}

const passed = Symbol('nothing');
const soon = (promise: Promise<unknown>): Promise<unknown> =>
  Promise.race([promise.then(() => 'begun'), new Promise((resolve) => setImmediate(resolve, passed))]);

it('as many work at a time as there are places, and who comes then is next', async () => {
  const slots = new WorkSlots();
  slots.most = 1;
  const [first, second] = [task(), task()];
  const done = [slots.inside(first.work), slots.inside(second.work)];
  await first.begun;
  expect([slots.hasRoom(1), await soon(second.begun)]).toEqual([false, passed]);
  first.end();
  await second.begun;
  second.end();
  await Promise.all(done);
  expect(slots.hasRoom(0)).toBe(true);
});

it('who stands aside makes room, and takes a place again before it goes on', async () => {
  const slots = new WorkSlots();
  slots.most = 1;
  let told = 0;
  slots.onFree(() => (told += 1));
  const [wait, other, after] = [task(), task(), task()];
  const waiting = slots.inside(async () => {
    await slots.aside(wait.work);
    await after.work();
  });
  await wait.begun;
  expect([slots.hasRoom(1), told]).toEqual([true, 1]);
  const working = slots.inside(other.work);
  await other.begun;
  wait.end();
  expect(await soon(after.begun)).toBe(passed);
  other.end();
  await after.begun;
  after.end();
  await Promise.all([waiting, working]);
  expect(slots.hasRoom(0)).toBe(true);
});

it('what fails leaves its place', async () => {
  const slots = new WorkSlots();
  slots.most = 1;
  const failing = slots.inside(() => slots.aside(() => Promise.reject(new Error('no'))));
  await expect(failing).rejects.toThrow('no');
  expect(slots.hasRoom(0)).toBe(true);
});

it('those that wait are limited too', () => {
  const slots = new WorkSlots();
  expect([slots.hasRoom(slots.mostHeld - 1), slots.hasRoom(slots.mostHeld)]).toEqual([true, false]);
});
