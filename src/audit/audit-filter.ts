import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { isISO8601, isRFC3339 } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { InvalidFields } from '../http/errors.ts';
import { type AuditOutcome, auditOutcomes } from './audit-row.entity.ts';

/** Which rows somebody asks for: those that have all that is given. */
export interface AuditFilter {
  actor?: string;
  app?: string;
  action?: string;
  object?: string;
  outcome?: AuditOutcome;
  since?: Date;
  until?: Date;
}

const texts = {
  app: { description: 'Only what is about the app of this id, which need not be there any more.', example: 'peachy-waxworks' },
  actor: { description: 'Only what this user did.', example: 'ada' },
  action: { description: 'Only this action.', example: 'config.set' },
  object: { description: 'Only what was done to this.', example: 'user:ada' },
} as const;

const outcomes = { outcome: { description: 'Only what came out like this.', example: 'refused' } };

const times = {
  since: { description: 'Only what happened at this time or later, as RFC 3339 has it.', example: '2026-01-01T00:00:00Z' },
  until: { description: 'Only what happened before this time.', example: '2026-02-01T00:00:00+01:00' },
} as const;

type Name = keyof typeof texts | keyof typeof outcomes | keyof typeof times;

/** @throws InvalidFields naming every filter that is malformed */
export function readFilter(query: Record<string, unknown>, names: readonly Name[]): AuditFilter {
  const faults: Record<string, string[]> = {};
  const filter: Record<string, string | Date> = {};
  for (const name of names) {
    const value = query[name];
    if (value === undefined || value === '') continue;
    if (typeof value !== 'string') faults[name] = ['Give it once.'];
    else if (name in texts) {
      if (value.includes('\0')) faults[name] = ['Enter a valid value.'];
      else filter[name] = value;
    } else if (name in outcomes) {
      if (auditOutcomes.some((outcome) => outcome === value)) filter[name] = value;
      else faults[name] = [`Enter one of ${auditOutcomes.join(', ')}.`];
    } else {
      const time = timeOf(value);
      if (time) filter[name] = time;
      else faults[name] = ['Enter a time as RFC 3339 has it, such as 2026-01-01T00:00:00Z.'];
    }
  }
  if (Object.keys(faults).length > 0) throw new InvalidFields(faults);
  return filter;
}

/** A plus that somebody put into a URL as it is arrives as a blank. */
function timeOf(text: string): Date | null {
  const given = text.replace(/ (?=\d\d:\d\d$)/, '+').toUpperCase();
  if (!isRFC3339(given) || !isISO8601(given, { strict: true })) return null;
  const time = new Date(given);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** Gives a handler the `AuditFilter` that its caller asked for. @param names of the filters that the route has */
export function Filtered(...names: Name[]): ParameterDecorator {
  const read = createParamDecorator((_: unknown, context: ExecutionContext) =>
    readFilter(context.switchToHttp().getRequest<FastifyRequest>().query as Record<string, unknown>, names),
  );
  return (target, method, index) => {
    read()(target, method, index);
    const handler = method === undefined ? undefined : Object.getOwnPropertyDescriptor(target, method);
    if (method === undefined || handler === undefined) return;
    for (const name of names) {
      const schema = {
        type: 'string',
        ...(name in times && { format: 'date-time' }),
        ...(name in outcomes && { enum: [...auditOutcomes] }),
      } as const;
      ApiQuery({ name, required: false, ...{ ...texts, ...outcomes, ...times }[name], schema })(target, method, handler);
    }
  };
}
