import { isDatabaseAway } from './database-away.ts';

const withCode = (code: string): Error => Object.assign(new Error('a fault'), { code });

it.each([
  ['a connection that is refused', withCode('ECONNREFUSED')],
  ['an address that is tried in two ways', Object.assign(new Error('all of them'), { errors: [withCode('ECONNREFUSED')] })],
  ['a server that ends', withCode('57P01')],
  ['a database that is dropped', withCode('57P04')],
  ['a standby that takes no writes', withCode('25006')],
  ['a serialization failure', withCode('40001')],
  ['a deadlock', withCode('40P01')],
  ['a statement that takes too long', withCode('57014')],
  ['a connection that broke', new Error('Connection terminated unexpectedly')],
  ['a connection that broke in a transaction', new Error('Query runner already released. Cannot run queries anymore.')],
  ['no connection in time', new Error('timeout exceeded when trying to connect')],
  ['what TypeORM makes of it', Object.assign(new Error('wrapped'), { driverError: withCode('08006') })],
])('%s is the database out of reach', (_, error) => {
  expect(isDatabaseAway(error)).toBe(true);
});

it.each([
  ['a wrong statement', withCode('42601')],
  ['a violated constraint', Object.assign(new Error('wrapped'), { driverError: withCode('23505') })],
  ['a bug', new TypeError('connection is undefined')],
  ['a file that is not there', Object.assign(withCode('ENOENT'), { syscall: 'open' })],
  ['no error', 'Connection terminated'],
])('%s is not', (_, error) => {
  expect(isDatabaseAway(error)).toBe(false);
});
