import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { createTestDatabase } from '../../test/database.ts';
import { AuditRow } from '../audit/audit-row.entity.ts';
import { AppEvent } from '../events/app-event.entity.ts';
import { dataSourceOptions, migrate } from './data-source.ts';
import { Encryption } from './encryption.ts';
import { Insertion } from './insertion.ts';

describe('what is added', () => {
  let database: { url: string; drop(): Promise<void> };
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
    const encryption = new Encryption([{ id: 'k', key: Buffer.alloc(32, 1) }]);
    dataSource = await new DataSource(await dataSourceOptions(database.url, encryption)).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const row = (action: string): Partial<AuditRow> => ({ action, outcome: 'committed', before: null, after: { count: 1, list: ['a'] } });

  it('reads as it was given, with what the database fills in', async () => {
    const rows = new Insertion(dataSource, AuditRow);
    await rows.add(dataSource.manager, row('one'), row('two'));
    await rows.add(dataSource.manager, { ...row('three'), actor: 'ada' });
    const found = await dataSource.manager.find(AuditRow, { order: { id: 'ASC' } });
    expect(found).toEqual(
      ['one', 'two', 'three'].map(
        (action) => expect.objectContaining({ ...row(action), actor: action === 'three' ? 'ada' : null }) as AuditRow,
      ),
    );
    expect(found[0]?.time.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it('is sealed, in a transaction that is undone not there, and stays clear in the hands of who gave it', async () => {
    const events = new Insertion(dataSource, AppEvent);
    const [user] = await dataSource.query<[{ id: number }]>(
      `INSERT INTO users (uuid, username, password_hash) VALUES (gen_random_uuid(), 'ada', 'x') RETURNING id`,
    );
    const appUuid = randomUUID();
    await dataSource.query(`INSERT INTO apps (uuid, id, owner_id) VALUES ($1, 'demo', $2)`, [appUuid, user.id]);
    const event = { uuid: randomUUID(), appUuid, event: 'config', data: { by: 'ada', version: 7 } } as unknown as AppEvent;
    await expect(
      dataSource.transaction(async (manager) => {
        await events.add(manager, event);
        throw new Error('not so');
      }),
    ).rejects.toThrow('not so');
    expect(await dataSource.manager.count(AppEvent)).toBe(0);
    await events.add(dataSource.manager, event);
    expect(event.data).toEqual({ by: 'ada', version: 7 });
    const [{ data }] = await dataSource.query<[{ data: string }]>('SELECT data FROM app_events');
    expect(data).toMatch(/^v1\.k\./);
    expect(await dataSource.manager.find(AppEvent)).toEqual([expect.objectContaining({ data: { by: 'ada', version: 7 } })]);
  });
});
