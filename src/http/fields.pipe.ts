import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { getMetadataStorage, validate, type ValidationError } from 'class-validator';
import { InvalidFields } from './errors.ts';
import { isStorable } from './field-values.ts';
import { converted, fieldConstraint } from './fields.ts';

/** Makes the DTO of every body whose handler declares one. */
@Injectable()
export class FieldsPipe implements PipeTransform {
  async transform(body: unknown, { type, metatype }: ArgumentMetadata): Promise<unknown> {
    if (type !== 'body' || metatype === undefined || metatype === Object) return body;
    return readFields(metatype as Type<object>, body as Record<string, unknown>);
  }
}

/**
 * Makes a DTO of a body: takes over the fields that its class declares, ignores the others, and reports all faults at once.
 * The body's own keys never meet the DTO's prototype, so `constructor` is as good a key as any.
 * @throws InvalidFields
 */
export async function readFields<T extends object>(metatype: Type<T>, body: Record<string, unknown>): Promise<T> {
  const dto = dtoOf(metatype, body);
  const faults: Record<string, string[]> = {};
  for (const error of await validate(dto, { forbidUnknownValues: false })) faults[error.property] = messagesOf(error);
  for (const [field, value] of Object.entries(dto) as [string, unknown][]) {
    const fault = faults[field] === undefined ? unstorable(value) : undefined;
    if (fault !== undefined) faults[field] = [fault];
  }
  if (Object.keys(faults).length > 0) throw new InvalidFields(faults);
  return dto;
}

function dtoOf<T extends object>(metatype: Type<T>, body: Record<string, unknown>): T {
  const dto = new metatype();
  const declared = getMetadataStorage().getTargetValidationMetadatas(metatype, '', false, false);
  for (const { propertyName: field } of declared) {
    if (Object.hasOwn(body, field)) Object.assign(dto, { [field]: converted(dto, field, body[field]) });
  }
  return dto;
}

function messagesOf({ constraints = {} }: ValidationError): string[] {
  return Object.entries(constraints).flatMap(([name, message]) =>
    name === fieldConstraint ? (JSON.parse(message) as string[]) : [message],
  );
}

/** What PostgreSQL cannot store, wherever it stands in the value: NUL characters and halves of surrogate pairs. */
function unstorable(value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (isStorable(value)) return undefined;
    return value.includes('\0') ? 'Null characters are not allowed.' : 'Not a valid string.';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const part of Object.entries(value).flat()) {
    const fault = unstorable(part);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
