import { readFileSync } from 'node:fs';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { migrationOptions } from './data-source.ts';

/**
 * The previous release's processes serve on the schema while it is migrated, and again if the release is rolled back. So a migration only
 * adds what they needn't know of; what nobody uses any more goes a release later (docs/operate.md, "Upgrade").
 */

/** Migrations that do more all the same, by name, each with the reason why the previous release can live with it. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

const CREATES_TABLE = /^CREATE TABLE (\w+) \((.*)\)$/;
const REFERENCE = /\bREFERENCES (\w+)\b(?! ?(?:\([^)]*\))? ON DELETE (?:CASCADE|SET NULL))/g;
const CREATES_INDEX = /^CREATE (UNIQUE )?INDEX (?:CONCURRENTLY )?\w+ ON (\w+) /;
const ADDS_COLUMN = /^ALTER TABLE \w+ ADD COLUMN (?:IF NOT EXISTS )?\w+ (.+)$/;

/** The statements of a script, each in one line without comments. What stands between `$$` is part of one. */
function statementsOf(script: string): string[] {
  const bodies: string[] = [];
  const flat = script
    .replace(/\$(\w*)\$[^]*?\$\1\$/g, (body) => `$${String(bodies.push(body) - 1)}$`)
    .replace(/--.*$/gm, '')
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\s+/g, ' ');
  return flat
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** What in a script the previous release could trip over, in words; empty: nothing. */
function notAdding(script: string): string[] {
  const statements = statementsOf(script);
  const made = statements.map((statement) => CREATES_TABLE.exec(statement)?.[1]).filter((table) => table !== undefined);
  return statements.flatMap((statement) => {
    const columns = CREATES_TABLE.exec(statement)?.[2];
    if (columns !== undefined) {
      const holds = [...columns.matchAll(REFERENCE)].map(([, table = '']) => table).filter((table) => !made.includes(table));
      return holds.map((table) => `${statement}: it keeps the previous release from deleting rows of ${table}`);
    }
    const [, unique, table] = CREATES_INDEX.exec(statement) ?? [];
    if (table !== undefined) {
      return unique === undefined || made.includes(table) ? [] : [`${statement}: it refuses rows that the previous release may write`];
    }
    const column = ADDS_COLUMN.exec(statement)?.[1];
    if (column === undefined) return [`${statement}: it does more than add`];
    if (/,\s*(ADD|ALTER|DROP|RENAME)\b/i.test(column)) return [`${statement}: one change in a statement`];
    if (/\b(UNIQUE|PRIMARY KEY|CHECK|REFERENCES|GENERATED)\b/i.test(column)) return [`${statement}: it binds rows of the previous release`];
    if (/\bNOT NULL\b/i.test(column) && !/\bDEFAULT\b/i.test(column)) return [`${statement}: the previous release gives no value`];
    return [];
  });
}

describe('what adds, and no more', () => {
  it.each([
    `CREATE TABLE things (id text PRIMARY KEY, made timestamptz NOT NULL DEFAULT now());`,
    `CREATE TABLE things (id text); CREATE UNIQUE INDEX things_id ON things (id)`,
    `CREATE TABLE things (app uuid REFERENCES apps (uuid) ON DELETE CASCADE, thing text REFERENCES things)`,
    `-- DROP TABLE is not meant
     CREATE INDEX apps_id ON apps (id) WHERE id IS NOT NULL;`,
    'ALTER TABLE apps ADD COLUMN colour text',
    `ALTER TABLE apps ADD COLUMN waited integer NOT NULL DEFAULT 0`,
  ])('%s', (script) => expect(notAdding(script)).toEqual([]));
});

describe('what the previous release could trip over', () => {
  it.each([
    ['DROP TABLE apps', 'more than add'],
    ['ALTER TABLE apps DROP COLUMN id', 'more than add'],
    ['ALTER TABLE apps RENAME COLUMN id TO name', 'more than add'],
    ['ALTER TABLE apps RENAME TO things', 'more than add'],
    ['ALTER TABLE apps ALTER COLUMN id TYPE varchar(10)', 'more than add'],
    ['ALTER TABLE apps ALTER COLUMN id SET NOT NULL', 'more than add'],
    ['ALTER TABLE apps ADD CONSTRAINT short CHECK (length(id) < 10)', 'more than add'],
    ['ALTER TABLE apps ADD COLUMN colour text NOT NULL', 'gives no value'],
    ['ALTER TABLE apps ADD COLUMN colour text UNIQUE', 'binds rows'],
    ['ALTER TABLE apps ADD COLUMN colour text, DROP COLUMN id', 'one change'],
    ['CREATE TABLE things (app uuid REFERENCES apps (uuid))', 'from deleting rows of apps'],
    ['CREATE UNIQUE INDEX apps_colour ON apps (colour)', 'refuses rows'],
    ['CREATE TRIGGER t BEFORE INSERT ON apps FOR EACH ROW EXECUTE FUNCTION f()', 'more than add'],
    ['DO $$ BEGIN CREATE TABLE x (id text); DROP TABLE apps; END $$', 'more than add'],
    [`UPDATE apps SET id = 'x'`, 'more than add'],
    ['REVOKE ALL ON apps FROM PUBLIC', 'more than add'],
    ['CREATE TABLE x (id text); DROP TABLE apps', 'more than add'],
  ])('%s', (script, words) => expect(notAdding(script)).toEqual([expect.stringContaining(words)]));
});

describe('migrations since the previous release', () => {
  const { keelson } = JSON.parse(readFileSync('package.json', 'utf8')) as { keelson: { previousRelease: { lastMigration: string } } };
  const { lastMigration } = keelson.previousRelease;
  const nameOf = (migration: MigrationInterface): string => migration.name ?? migration.constructor.name;
  let all: MigrationInterface[];
  let since: MigrationInterface[];

  beforeAll(async () => {
    const { migrations } = await migrationOptions('postgresql://nobody@localhost/none');
    all = (migrations as (new () => MigrationInterface)[]).map((Migration) => new Migration());
    since = all.filter((migration) => nameOf(migration).slice(-13) > lastMigration.slice(-13));
  });

  it('only add', async () => {
    expect(all.map(nameOf)).toContain(lastMigration);
    const faults: string[] = [];
    for (const migration of since.filter((one) => !Object.hasOwn(EXCEPTIONS, nameOf(one)))) {
      // what it asks the database is answered as by an empty one
      const query = (sql: string): Promise<unknown[]> => {
        faults.push(...notAdding(sql).map((fault) => `${nameOf(migration)}: ${fault}`));
        return Promise.resolve([]);
      };
      await migration.up({ query } as unknown as QueryRunner);
    }
    expect(faults).toEqual([]);
  });

  it('that do more have a reason, and are there', () => {
    for (const [name, reason] of Object.entries(EXCEPTIONS)) {
      expect(since.map(nameOf)).toContain(name);
      expect(reason).toMatch(/\w+ \w+/);
    }
  });
});
