import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { createTestDatabase } from '../../test/database.ts';
import { dataSourceOptions } from '../database/data-source.ts';
import { Encryption } from '../database/encryption.ts';
import { Sweeper } from '../database/sweeper.ts';
import type { Notifications } from '../deploy/notifications.ts';
import { AppLog } from './app-log.ts';
import { AppLogTail, SeenLines } from './app-log-tail.ts';
import { AppLogLine } from './app-log-line.entity.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const line = (id: number, secondsAgo: number): AppLogLine => ({ id: String(id), at: new Date(NOW - secondsAgo * 1000) }) as AppLogLine;
const ids = (lines: AppLogLine[]): string[] => lines.map(({ id }) => id);

it('tells each line once, also one that becomes visible after later ones', () => {
  const seen = new SeenLines([line(9, 30), line(10, 20)], NOW);
  expect(seen.floor).toBe('8');
  expect(ids(seen.unseen([line(9, 30), line(10, 20), line(12, 1)], NOW))).toEqual(['12']);
  expect(ids(seen.unseen([line(9, 30), line(10, 20), line(11, 2), line(12, 1)], NOW))).toEqual(['11']);
});

it('forgets lines that are too old for others to come before them', () => {
  const seen = new SeenLines([]);
  expect(seen.floor).toBe('0');
  seen.unseen([line(9, 100), line(10, 61), line(11, 1)], NOW);
  expect(seen.floor).toBe('10');
  expect(ids(seen.unseen([line(11, 1), line(12, 0)], NOW))).toEqual(['12']);
});

describe('who follows the lines of an app', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let source: DataSource;
  /** Tells as the database would. */
  let notify: (appUuid: string) => void = () => undefined;
  const app = randomUUID();
  const encryption = new Encryption([{ id: 'k1', key: randomBytes(32) }]);

  beforeAll(async () => {
    database = await createTestDatabase();
    source = await new DataSource(await dataSourceOptions(database.url, encryption)).initialize();
    await source.query(`INSERT INTO users (uuid, username, password_hash) VALUES (gen_random_uuid(), 'ada', '')`);
    await source.query(`INSERT INTO apps (uuid, id, owner_id) SELECT $1, 'demo', id FROM users`, [app]);
  }, 60_000);

  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  it('gets each of them, however many come at once, and reads none twice', async () => {
    const log = new AppLog(new Sweeper(source), encryption);
    const read: number[] = [];
    const after = log.after.bind(log);
    log.after = async (...args) => {
      const lines = await after(...args);
      read.push(lines.length);
      return lines;
    };
    const notifications = {
      on: (_: string, listener: (appUuid: string) => void) => (notify = listener),
      onConnected: () => undefined,
    } as unknown as Notifications;
    const tail = new AppLogTail(source, notifications, log);
    tail.onModuleInit();
    const over = new AbortController();
    const lines = tail.listen(app, over.signal)([]);
    const next = async (count: number): Promise<string[]> => {
      const got: string[] = [];
      while (got.length < count) {
        const { value, done } = await lines.next();
        if (done) break;
        got.push(value.line);
      }
      return got;
    };
    const write = async (from: number, to: number): Promise<string[]> => {
      const texts = Array.from({ length: to - from }, (_, index) => `line ${String(from + index)}`);
      await source.manager.insert(
        AppLogLine,
        texts.map((line) => ({ uuid: randomUUID(), appUuid: app, line })),
      );
      notify(app);
      return texts;
    };
    const many = await write(0, 2500);
    expect(await next(2500)).toEqual(many);
    const more = await write(2500, 2503);
    expect(await next(3)).toEqual(more);
    expect(read.reduce((sum, count) => sum + count)).toBe(2503);
    over.abort();
    expect((await lines.next()).done).toBe(true);
  }, 60_000);
});
