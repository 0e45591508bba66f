import { createTestDatabase } from '../../test/database.ts';
import { BoundedClient } from './bounded-client.ts';
import { readTimestamp } from './timestamps.ts';

const moments = [
  ['2026-01-15 09:30:00+00', '2026-01-15T09:30:00.000Z'],
  ['2026-01-15 09:30:00.1+00', '2026-01-15T09:30:00.100Z'],
  ['2026-01-15 09:30:00.12+00', '2026-01-15T09:30:00.120Z'],
  ['1999-12-31 23:59:59.999999+00', '1999-12-31T23:59:59.999Z'],
  ['2024-02-29 00:00:00.0005+00', '2024-02-29T00:00:00.000Z'],
  ['2026-01-15 09:30:00.5+05:30', '2026-01-15T04:00:00.500Z'],
  ['2026-01-15 09:30:00-03', '2026-01-15T12:30:00.000Z'],
  ['12026-01-15 09:30:00+00', '+012026-01-15T09:30:00.000Z'],
  ['0099-01-15 09:30:00+00', '0099-01-15T09:30:00.000Z'],
] as const;

it.each(moments)('%s is %s', (text, iso) => {
  expect(readTimestamp(text)).toEqual(new Date(iso));
});

it('infinity and times before Christ are as the driver has them', () => {
  expect(readTimestamp('infinity')).toBe(Infinity);
  expect(readTimestamp('0044-03-15 12:00:00+00 BC')).toEqual(new Date('-000043-03-15T12:00:00.000Z'));
});

it('is what a connection gives', async () => {
  const database = await createTestDatabase();
  const client = new BoundedClient({ connectionString: database.url });
  await client.connect();
  try {
    for (const zone of ['UTC', 'Asia/Kolkata']) {
      await client.query(`SET TIME ZONE '${zone}'`);
      const { rows } = await client.query<{ at: Date }>(`SELECT '2026-01-15T09:30:00.123456Z'::timestamptz AS at`);
      expect(rows[0]?.at).toEqual(new Date('2026-01-15T09:30:00.123Z'));
    }
  } finally {
    await client.end();
    await database.drop();
  }
});
