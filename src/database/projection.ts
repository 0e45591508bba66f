import type { DataSource, EntityMetadata, EntitySubscriberInterface, LoadEvent } from 'typeorm';
import type { ColumnMetadata } from 'typeorm/metadata/ColumnMetadata.js';
import { sealedPropertiesOf } from './sealed.decorator.ts';

type Row = Record<string, unknown>;

/**
 * Columns of an entity in SQL that is written by hand, and the entity from its rows: for what is asked so often that making a query
 * by the query builder, which takes longer than the database needs to answer it, would be felt. Sealed values are opened.
 */
export class Projection<Entity extends object> {
  /** For a list of what is selected. */
  readonly columns: string;
  private readonly metadata: EntityMetadata;
  private readonly reads: { column: ColumnMetadata; from: string }[];
  private readonly openers: EntitySubscriberInterface[];

  /**
   * @param target the entity's class; @param alias of its table in the statement
   * @param properties that are read; by default all that TypeORM reads unasked
   */
  constructor(
    dataSource: DataSource,
    private readonly target: new () => Entity,
    alias: string,
    properties?: readonly (keyof Entity & string)[],
  ) {
    this.metadata = dataSource.getMetadata(target);
    const chosen = this.metadata.columns.filter(({ propertyName, isSelect }) =>
      properties ? properties.some((name) => name === propertyName) : isSelect,
    );
    this.reads = chosen.map((column) => ({ column, from: `${alias}_${column.databaseName}` }));
    this.columns = this.reads
      .map(({ column, from }) => {
        const sql = column.isVirtualProperty && column.query ? column.query(`"${alias}"`) : `"${alias}"."${column.databaseName}"`;
        return `${sql} AS "${from}"`;
      })
      .join(', ');
    this.openers = sealedPropertiesOf(target).length > 0 ? dataSource.subscribers.filter((each) => each.afterLoad !== undefined) : [];
  }

  /** The entity that a row has. */
  entity(row: Row): Entity {
    const entity = new this.target() as Entity & Row;
    for (const { column, from } of this.reads) {
      const value = row[from];
      const { transformer } = column;
      (entity as Row)[column.propertyName] =
        transformer !== undefined && !Array.isArray(transformer) && value !== null ? (transformer.from(value) as unknown) : value;
    }
    for (const opener of this.openers) void opener.afterLoad?.(entity, { metadata: this.metadata } as LoadEvent<Entity>);
    return entity;
  }
}
