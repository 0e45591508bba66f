import { randomUUID } from 'node:crypto';
import {
  EventSubscriber,
  type BeforeQueryEvent,
  type EntitySubscriberInterface,
  type InsertEvent,
  type LoadEvent,
  type QueryRunner,
  type UpdateEvent,
} from 'typeorm';
import type { Encryption } from './encryption.ts';
import { SealedText, sealedPropertiesOf, type SealedProperty } from './sealed.decorator.ts';

type Row = Record<string, unknown>;

/** TypeORM makes its subscribers itself, from classes: this is the one that seals with the given keys. */
export function sealedColumnsSubscriber(encryption: Encryption): new () => EntitySubscriberInterface {
  class BoundSubscriber extends SealedColumnsSubscriber {
    constructor() {
      super(encryption);
    }
  }
  EventSubscriber()(BoundSubscriber);
  return BoundSubscriber;
}

/**
 * Seals what `@Sealed` marks before it is written and opens it after it was read.
 *
 * TypeORM reads the values to write from the entity, right after the "before" events. So the entity holds the sealed value from there
 * until the next statement starts, and then gets its clear value back, whether or not that statement succeeds.
 */
export class SealedColumnsSubscriber implements EntitySubscriberInterface {
  private readonly borrowed = new WeakMap<QueryRunner, (() => void)[]>();

  constructor(private readonly encryption: Encryption) {}

  beforeInsert({ entity, metadata, queryRunner }: InsertEvent<Row>): void {
    const sealed = sealedPropertiesOf(metadata.target);
    if (sealed.length === 0) return;
    entity.uuid ??= randomUUID();
    for (const property of sealed) this.seal(entity, property, String(entity.uuid), queryRunner);
  }

  beforeUpdate({ entity, databaseEntity, metadata, updatedColumns, queryRunner }: UpdateEvent<Row>): void {
    if (!entity) return;
    // Saved, the entity stands beside its row and TypeORM knows what differs; updated by criteria, there is only what is to be set.
    const row = databaseEntity as Row | undefined;
    const differs = ({ property }: SealedProperty): boolean => !row || updatedColumns.some((column) => column.propertyName === property);
    for (const property of sealedPropertiesOf(metadata.target).filter(differs)) {
      this.seal(entity, property, row?.uuid ?? entity.uuid, queryRunner);
    }
  }

  beforeQuery({ queryRunner }: BeforeQueryEvent): void {
    const borrowed = this.borrowed.get(queryRunner);
    if (!borrowed) return;
    this.borrowed.delete(queryRunner);
    for (const giveBack of borrowed) giveBack();
  }

  afterLoad(entity: Row, event?: LoadEvent<Row>): void {
    for (const { property, name, json } of sealedPropertiesOf(event?.metadata.target)) {
      const value = entity[property];
      if (!(value instanceof SealedText)) continue;
      if (typeof entity.uuid !== 'string') throw new Error(`${name} cannot be decrypted without the row's uuid: select uuid with it.`);
      const clear = this.encryption.open(value.text, `${name}:${entity.uuid}`);
      entity[property] = json ? JSON.parse(clear) : clear;
    }
  }

  /** A copy of an entity that is to be added, with its sealed values as they are stored. @param target its class */
  sealed(target: unknown, entity: Row): Row {
    const properties = sealedPropertiesOf(target);
    if (properties.length === 0) return entity;
    const copy: Row = { ...entity, uuid: entity.uuid ?? randomUUID() };
    for (const property of properties) {
      copy[property.property] = this.sealedValue(copy[property.property], property, copy.uuid);
    }
    return copy;
  }

  private seal(entity: Row, property: SealedProperty, uuid: unknown, queryRunner: QueryRunner): void {
    const clear = entity[property.property];
    const sealed = this.sealedValue(clear, property, uuid);
    if (sealed === clear) return;
    entity[property.property] = sealed;
    const borrowed = this.borrowed.get(queryRunner) ?? [];
    this.borrowed.set(queryRunner, [...borrowed, () => (entity[property.property] = clear)]);
  }

  /** Null and undefined, and what is sealed already, stay as they are. */
  private sealedValue(clear: unknown, { name, json }: SealedProperty, uuid: unknown): unknown {
    if (clear === null || clear === undefined || clear instanceof SealedText) return clear;
    if (typeof uuid !== 'string') throw new Error(`${name} cannot be encrypted without the row's uuid: save the entity, or set uuid too.`);
    const plain = json ? JSON.stringify(clear) : clear;
    if (typeof plain !== 'string') throw new Error(`${name} must be ${json ? 'something that JSON can hold' : 'a string'}.`);
    return new SealedText(this.encryption.seal(plain, `${name}:${uuid}`));
  }
}
