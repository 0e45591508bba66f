import type { DataSource, EntityMetadata, EntitySubscriberInterface, LoadEvent } from 'typeorm';
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
  private readonly reads: { property: string; from: string; read: ((value: unknown) => unknown) | undefined }[];
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
    const named = chosen.map((column) => ({ column, from: `${alias}_${column.databaseName}` }));
    this.columns = named
      .map(({ column, from }) => {
        const sql = column.isVirtualProperty && column.query ? column.query(`"${alias}"`) : `"${alias}"."${column.databaseName}"`;
        return `${sql} AS "${from}"`;
      })
      .join(', ');
    this.reads = named.map(({ column: { propertyName: property, transformer }, from }) => ({
      property,
      from,
      read: transformer === undefined || Array.isArray(transformer) ? undefined : (value) => transformer.from(value) as unknown,
    }));
    const sealed = sealedPropertiesOf(target).some(({ property }) => chosen.some(({ propertyName }) => propertyName === property));
    this.openers = sealed ? dataSource.subscribers.filter((each) => each.afterLoad !== undefined) : [];
  }

  /** The entity that a row has. */
  entity(row: Row): Entity {
    const entity = new this.target() as Entity & Row;
    for (const { property, from, read } of this.reads) {
      const value = row[from];
      (entity as Row)[property] = read && value !== null ? read(value) : value;
    }
    for (const opener of this.openers) void opener.afterLoad?.(entity, { metadata: this.metadata } as LoadEvent<Entity>);
    return entity;
  }
}
