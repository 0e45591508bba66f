import type { DataSource, EntityManager, EntityMetadata } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { SealedColumnsSubscriber } from './sealed-columns.subscriber.ts';

type Row = Record<string, unknown>;

/**
 * Adds rows of an entity by SQL that is made once: for what every change adds. TypeORM's own way makes the statement anew for each row, and
 * reads back what it left to the database. Sealed values are sealed.
 */
export class Insertion<Entity extends object> {
  private readonly metadata: EntityMetadata;
  private readonly columns: ColumnMetadata[];
  private readonly sealer: SealedColumnsSubscriber | undefined;
  /** By the columns that are given, and how many rows. */
  private readonly statements = new Map<string, string>();

  constructor(
    private readonly dataSource: DataSource,
    target: new () => Entity,
  ) {
    this.metadata = dataSource.getMetadata(target);
    this.columns = this.metadata.columns.filter(({ isInsert, isVirtualProperty }) => isInsert && !isVirtualProperty);
    this.sealer = dataSource.subscribers.find((each) => each instanceof SealedColumnsSubscriber);
  }

  /**
   * One statement. What an entity leaves undefined, the database fills in; it isn't read back.
   * @param entities at least one, all with the same properties
   */
  async add(manager: EntityManager, ...entities: Partial<Entity>[]): Promise<void> {
    const rows = entities.map((entity) => this.sealer?.sealed(this.metadata.target, entity as Row) ?? (entity as Row));
    const given = this.columns.filter((column) => rows.some((row) => column.getEntityValue(row) !== undefined));
    const values = rows.flatMap((row) =>
      given.map((column) => this.dataSource.driver.preparePersistentValue(column.getEntityValue(row), column) as unknown),
    );
    await manager.query(this.statement(given, rows.length), values);
  }

  private statement(given: readonly ColumnMetadata[], rows: number): string {
    const names = given.map(({ databaseName }) => `"${databaseName}"`).join(', ');
    const key = `${String(rows)} ${names}`;
    const known = this.statements.get(key);
    if (known !== undefined) return known;
    const places = Array.from(
      { length: rows },
      (_, row) => `(${given.map((_column, at) => `$${String(row * given.length + at + 1)}`).join(', ')})`,
    );
    const statement = `INSERT INTO "${this.metadata.tableName}" (${names}) VALUES ${places.join(', ')}`;
    this.statements.set(key, statement);
    return statement;
  }
}
