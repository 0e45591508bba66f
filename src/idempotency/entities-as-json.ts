import type { DataSource, ObjectLiteral } from 'typeorm';
import { sealedPropertiesOf } from '../database/sealed.decorator.ts';
import { isJsonObject } from '../http/field-values.ts';

/** Under what the JSON of an entity has its name. No property is called so. */
const ENTITY = '$entity';

/**
 * What JSON can hold of a value with entities in it. Of an entity these are its columns, but for those that are encrypted, and its owner.
 */
export function toJson(value: unknown, dataSource: DataSource): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => toJson(item, dataSource));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const metadata = dataSource.hasMetadata(value.constructor) ? dataSource.getMetadata(value.constructor) : null;
  const left = new Set([
    ...sealedPropertiesOf(metadata?.target).map(({ property }) => property),
    ...(metadata?.relations ?? []).map(({ propertyName }) => propertyName).filter((name) => name !== 'owner'),
  ]);
  const kept = Object.entries(value).filter(([name]) => !left.has(name));
  const fields = kept.map(([name, field]: [string, unknown]) => [name, toJson(field, dataSource)]);
  return { ...(metadata && { [ENTITY]: metadata.name }), ...(Object.fromEntries(fields) as object) };
}

/** The value again, with entities and their times. */
export function fromJson(json: unknown, dataSource: DataSource): unknown {
  if (Array.isArray(json)) return json.map((item: unknown) => fromJson(item, dataSource));
  if (!isJsonObject(json)) return json;
  const { [ENTITY]: name, ...rest } = json;
  const fields = Object.fromEntries(Object.entries(rest).map(([property, field]) => [property, fromJson(field, dataSource)]));
  if (typeof name !== 'string') return fields;
  const metadata = dataSource.getMetadata(name);
  for (const { propertyName, type } of metadata.columns) {
    const time = fields[propertyName];
    if (type === 'timestamptz' && typeof time === 'string') fields[propertyName] = new Date(time);
  }
  return Object.assign(metadata.create() as ObjectLiteral, fields);
}
