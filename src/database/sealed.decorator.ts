import { createHmac, randomBytes } from 'node:crypto';
import { getMetadataArgsStorage, type ValueTransformer } from 'typeorm';

/** A value as the database has it: encrypted. Entities hold one only between TypeORM's events and its SQL. */
export class SealedText {
  constructor(readonly text: string) {}
}

/** One property of an entity that is encrypted at rest. */
export interface SealedProperty {
  property: string;
  /** Logical name, such as `config.values`. It is part of what is authenticated: never change it once values are stored. */
  name: string;
  json: boolean;
}

const properties = new Map<unknown, SealedProperty[]>();

/** The sealed properties of an entity class, its parents' included. */
export function sealedPropertiesOf(entity: unknown): readonly SealedProperty[] {
  const own = properties.get(entity) ?? [];
  const parent: unknown = typeof entity === 'function' ? Object.getPrototypeOf(entity) : null;
  return parent ? [...own, ...sealedPropertiesOf(parent)] : own;
}

/**
 * Encrypts a text column at rest; put it above `@Column('text')`. In memory the entity always has the clear value; null stays null.
 * The entity needs a property `uuid`, which the ciphertext is bound to; a missing one is drawn at insert.
 *
 * Written by `save()`, by `insert()`, and by `update()` if the `uuid` is among the values that it sets; read by whatever gives entities.
 * Raw SQL goes through {@link Encryption.seal} and {@link Encryption.open} with `<name>:<uuid>`. It cannot be searched for.
 *
 * @param name logical name, `<thing>.<property>`
 * @param options.json the value is anything that JSON can hold; without it, it is a string
 */
export function Sealed(name: string, options: { json?: boolean } = {}): PropertyDecorator {
  return (prototype, property) => {
    const entity = prototype.constructor;
    const column = getMetadataArgsStorage().columns.find((args) => args.target === entity && args.propertyName === property);
    if (!column || column.options.type !== 'text') throw new Error(`Put @Sealed('${name}') above a @Column('text').`);
    column.options.transformer = refuseClearText;
    properties.set(entity, [...(properties.get(entity) ?? []), { property: String(property), name, json: options.json ?? false }]);
  };
}

const digestKey = randomBytes(32);

/**
 * TypeORM calls `to` for two ends: to compare an entity with its row, and to make the parameter of an SQL statement. A clear value
 * becomes a digest, good enough to compare, that starts with a NUL: PostgreSQL takes no NUL in a text. So a statement that reaches the
 * database past the subscriber fails, instead of storing clear text.
 */
const refuseClearText: ValueTransformer = {
  to(value: unknown): unknown {
    if (value === null || value === undefined) return value;
    if (value instanceof SealedText) return value.text;
    const digest = createHmac('sha256', digestKey).update(JSON.stringify(value)).digest('hex');
    return `\0 not encrypted: save the entity, or give its uuid to update(); see @Sealed. ${digest}`;
  },
  from(value: unknown): unknown {
    return typeof value === 'string' ? new SealedText(value) : value;
  },
};
