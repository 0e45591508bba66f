import { randomBytes, randomUUID } from 'node:crypto';
import { Column, DataSource, Entity, JoinColumn, ManyToOne, PrimaryColumn, type Relation } from 'typeorm';
import { createTestDatabase } from '../../test/database.ts';
import { Encryption } from './encryption.ts';
import { sealedColumnsSubscriber } from './sealed-columns.subscriber.ts';
import { Sealed } from './sealed.decorator.ts';

@Entity('safes')
class Safe {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('text', { unique: true })
  label!: string;

  @Sealed('safe.content', { json: true })
  @Column('text', { nullable: true })
  content!: Record<string, unknown> | null;

  @Sealed('safe.note')
  @Column('text', { nullable: true })
  note!: string | null;
}

/** Its primary key is not the uuid. */
@Entity('drawers')
class Drawer {
  @PrimaryColumn('integer')
  id!: number;

  @Column('uuid')
  uuid!: string;

  @ManyToOne(() => Safe, { cascade: true })
  @JoinColumn({ name: 'safe_uuid' })
  safe!: Relation<Safe>;

  @Sealed('drawer.content')
  @Column('text')
  content!: string;
}

const oldKey = { id: 'old', key: randomBytes(32) };
const newKey = { id: 'new', key: randomBytes(32) };
const content = { API_KEY: 's3cret', nested: [1, { ü: '"' }] };

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let source: DataSource;

async function open(...keys: { id: string; key: Buffer }[]): Promise<DataSource> {
  return new DataSource({
    type: 'postgres',
    installExtensions: false,
    extra: { connectionString: database.url },
    entities: [Safe, Drawer],
    subscribers: [sealedColumnsSubscriber(new Encryption(keys))],
  }).initialize();
}

const stored = async (uuid: string): Promise<{ content: string; note: string }> => {
  const [row] = await source.query<{ content: string; note: string }[]>('SELECT content, note FROM safes WHERE uuid = $1', [uuid]);
  if (!row) throw new Error(`no safe ${uuid}`);
  return row;
};

async function makeSafe(values: Partial<Safe> = {}): Promise<Safe> {
  return source.manager.save(Object.assign(new Safe(), { uuid: randomUUID(), label: randomUUID(), content, note: 'n0te', ...values }));
}

beforeAll(async () => {
  database = await createTestDatabase();
  source = await open(oldKey);
  await source.synchronize();
}, 60_000);

afterAll(async () => {
  await source.destroy();
  await database.drop();
});

describe('a sealed column', () => {
  it('is encrypted in the database and clear in the entity, saved and loaded', async () => {
    const safe = await makeSafe();
    expect(safe).toMatchObject({ content, note: 'n0te' });
    const row = await stored(safe.uuid);
    expect(row.content).toMatch(/^v1\.old\.[\w-]+$/);
    expect(row.note).toMatch(/^v1\.old\.[\w-]+$/);
    expect(await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toEqual(safe);
    expect(await source.manager.createQueryBuilder(Safe, 's').where({ uuid: safe.uuid }).getOneOrFail()).toEqual(safe);
  });

  it('keeps null and empty values apart', async () => {
    const safe = await makeSafe({ content: null, note: '' });
    expect((await stored(safe.uuid)).content).toBeNull();
    expect(await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toMatchObject({ content: null, note: '' });
    safe.content = {};
    safe.note = null;
    await source.manager.save(safe);
    expect(await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toMatchObject({ content: {}, note: null });
  });

  it('is written by an update through save, also when its object was changed in place', async () => {
    const safe = await makeSafe({ content: { a: 1 } });
    safe.content = { ...safe.content, b: 2 };
    await source.manager.save(safe);
    const loaded = await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid });
    expect(loaded.content).toEqual({ a: 1, b: 2 });
    Object.assign(loaded.content ?? {}, { c: 3 });
    await source.manager.save(loaded);
    expect(loaded.content).toEqual({ a: 1, b: 2, c: 3 });
    expect((await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).content).toEqual({ a: 1, b: 2, c: 3 });
  });

  it('is left alone by a save that changes nothing or something else', async () => {
    const safe = await makeSafe();
    const before = await stored(safe.uuid);
    const loaded = await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid });
    await source.manager.save(loaded);
    loaded.label = randomUUID();
    await source.manager.save(loaded);
    expect(loaded).toMatchObject({ content, note: 'n0te' });
    expect(await stored(safe.uuid)).toEqual(before);
  });

  it('is written in a transaction and by a query runner of one', async () => {
    const uuid = randomUUID();
    await source.transaction((tx) => tx.save(Safe, { uuid, label: uuid, content, note: 'one' }));
    const runner = source.createQueryRunner();
    await runner.startTransaction();
    const safe = await runner.manager.findOneByOrFail(Safe, { uuid });
    safe.note = 'two';
    await runner.manager.save(safe);
    expect(safe.note).toBe('two');
    await runner.commitTransaction();
    await runner.release();
    expect(await source.manager.findOneByOrFail(Safe, { uuid })).toMatchObject({ content, note: 'two' });
  });

  it('is written by insert, and by update when the uuid is among what is set', async () => {
    const values = { uuid: randomUUID(), label: randomUUID(), content, note: 'inserted' };
    await source.manager.insert(Safe, values);
    expect(values).toMatchObject({ content, note: 'inserted' });
    const set = { uuid: values.uuid, note: 'updated' };
    await source.manager.update(Safe, { uuid: values.uuid, label: values.label }, set);
    expect(set.note).toBe('updated');
    expect(await source.manager.findOneByOrFail(Safe, { uuid: values.uuid })).toMatchObject({ content, note: 'updated' });
  });

  it('is written for every row of a save of many', async () => {
    const safes = [1, 2, 3].map((n) => ({ uuid: randomUUID(), label: randomUUID(), content: { n }, note: `note ${n}` }));
    await source.manager.save(Safe, safes);
    for (const safe of safes) expect(await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toEqual(safe);
  });

  it('is clear in related entities, and bound to the uuid where that is not the primary key', async () => {
    const safe = Object.assign(new Safe(), { uuid: randomUUID(), label: randomUUID(), content, note: 'shared' });
    const drawers = [1, 2].map((id) => Object.assign(new Drawer(), { id, uuid: randomUUID(), safe, content: `drawer ${id}` }));
    await source.manager.save(drawers);
    expect(safe.note).toBe('shared');
    const loaded = await source.manager.find(Drawer, { relations: { safe: true }, order: { id: 'ASC' } });
    expect(loaded.map((drawer) => [drawer.content, drawer.safe.content])).toEqual([
      ['drawer 1', content],
      ['drawer 2', content],
    ]);
    await source.manager.save(Drawer, { id: 1, content: 'by primary key' });
    expect((await source.manager.findOneByOrFail(Drawer, { id: 1 })).content).toBe('by primary key');
  });

  it('draws a missing uuid at insert', async () => {
    const safe = await source.manager.save(Object.assign(new Safe(), { label: randomUUID(), content, note: 'x' }));
    expect(await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toMatchObject({ content, note: 'x' });
  });

  it('leaves the entity with clear values when the save fails, so that it can be tried again', async () => {
    const taken = await makeSafe();
    const safe = Object.assign(new Safe(), { uuid: randomUUID(), label: taken.label, content, note: 'again' });
    await expect(source.manager.save(safe)).rejects.toThrow('duplicate key');
    expect(safe).toMatchObject({ content, note: 'again' });
    safe.label = randomUUID();
    await source.manager.save(safe);
    expect(await source.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toMatchObject({ content, note: 'again' });
  });

  it('never takes clear text past the encryption', async () => {
    const { uuid } = await makeSafe();
    const before = await stored(uuid);
    await expect(source.manager.update(Safe, { uuid }, { note: 'clear' })).rejects.toThrow(
      "safe.note cannot be encrypted without the row's uuid: save the entity, or set uuid too.",
    );
    const unheard = source.createQueryBuilder().update(Safe).set({ note: 'clear' }).where({ uuid }).callListeners(false);
    await expect(unheard.execute()).rejects.toThrow('invalid byte sequence');
    const values = { uuid: randomUUID(), label: randomUUID(), note: 'clear' };
    await expect(source.manager.save(Safe, values, { listeners: false })).rejects.toThrow('invalid byte sequence');
    expect(await stored(uuid)).toEqual(before);
  });

  it('does not open in another row or another column', async () => {
    const from = await makeSafe();
    const to = await makeSafe();
    await source.query('UPDATE safes SET note = (SELECT note FROM safes WHERE uuid = $1) WHERE uuid = $2', [from.uuid, to.uuid]);
    const words = `Cannot decrypt safe.note:${to.uuid}: it was changed, moved from another row or column, or sealed with another key`;
    await expect(source.manager.findOneBy(Safe, { uuid: to.uuid })).rejects.toThrow(words);
    await source.query('UPDATE safes SET note = content WHERE uuid = $1', [to.uuid]);
    await expect(source.manager.findOneBy(Safe, { uuid: to.uuid })).rejects.toThrow(words);
    await source.query('DELETE FROM safes WHERE uuid = $1', [to.uuid]);
  });

  it('asks for the uuid when it is loaded without', async () => {
    await makeSafe();
    await expect(source.manager.find(Safe, { select: { label: true, note: true } })).rejects.toThrow('select uuid with it');
  });

  it('is read with every key and written with the newest', async () => {
    const safe = await makeSafe();
    const rotated = await open(newKey, oldKey);
    try {
      const loaded = await rotated.manager.findOneByOrFail(Safe, { uuid: safe.uuid });
      expect(loaded).toEqual(safe);
      loaded.note = 'rotated';
      await rotated.manager.save(loaded);
      const row = await stored(safe.uuid);
      expect([row.content.split('.')[1], row.note.split('.')[1]]).toEqual(['old', 'new']);
      expect(await rotated.manager.findOneByOrFail(Safe, { uuid: safe.uuid })).toMatchObject({ content, note: 'rotated' });
      await expect(source.manager.findOneBy(Safe, { uuid: safe.uuid })).rejects.toThrow(
        'its key "new" is unknown; add that key to ENCRYPTION_KEYS',
      );
    } finally {
      await rotated.destroy();
    }
  });
});
