import { applyDecorators, HttpCode, SetMetadata, type Type } from '@nestjs/common';
import { ApiExtension, ApiExtraModels, ApiOperation, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { Rule } from '../auth/rights.ts';

/** What a handler answers with when all goes well, as documented. Made by `json`, `emptyObject`, `text`, `events`, `either` and `empty`. */
interface Answer {
  readonly description: string;
  readonly model?: Type;
  /** Media type to what it is like. */
  readonly content?: Record<string, { schema: object; example: unknown }>;
}

/** A JSON answer. @param type class of the object, or `[class]` for a bare array of them; @param example a whole answer */
export function json<T extends object>(type: Type<T>, example: T, description?: string): Answer;
export function json<T extends object>(type: [Type<T>], example: T[], description?: string): Answer;
export function json(type: Type | [Type], example: unknown, description = 'Done.'): Answer {
  const [model, isArray] = Array.isArray(type) ? [type[0], true] : [type, false];
  const items = { $ref: getSchemaPath(model) };
  return { description, model, content: { 'application/json': { schema: isArray ? { type: 'array', items } : items, example } } };
}

/** The JSON answer `{}`. */
export function emptyObject(description: string): Answer {
  return { description, content: { 'application/json': { schema: { type: 'object', additionalProperties: false }, example: {} } } };
}

export function text(example: string, description = 'Done.'): Answer {
  return { description, content: { 'text/plain': { schema: { type: 'string' }, example } } };
}

/** An answer of events as they come, `text/event-stream`. */
export function events(example: string, description = 'The events, as they come.'): Answer {
  return { description, content: { 'text/event-stream': { schema: { type: 'string' }, example } } };
}

/** One answer or another, by what the caller takes. */
export function either(first: Answer, second: Answer): Answer {
  return { ...second, ...first, content: { ...first.content, ...second.content } };
}

export const empty = (description = 'Done. The body is empty.'): Answer => ({ description });

interface RouteFacts {
  /** One line, as an imperative: `Set the config of an app`. */
  summary: string;
  /** What the summary doesn't say, in Markdown. */
  description?: string;
  /** What it does, in a word for the audit log: `config.set`. Two routes that do the same have the same. */
  action: string;
  /** Who may call. The guard enforces it; a route without a rule does not start. */
  rule: Rule;
  /** By status; the lowest is what the handler's value is sent with. A handler whose answer is `empty` returns nothing. */
  answers: Record<number, Answer>;
  /** The refusals of this very route, by status, each with when it comes. Those that every route has are added to the document. */
  errors: Record<number, string>;
  /** Whether it returns a `Submitted`: the caller may ask for 202 with `Prefer: respond-async`. */
  waits?: true;
  /** Whether it answers a token or a password: such an answer isn't kept, so the route takes no `Idempotency-Key`. */
  credentials?: true;
}

export const ruleKey = Symbol('rule');
export const actionKey = Symbol('action');
export const credentialsKey = Symbol('credentials');

/** Everything about a route but its method and path: its protection, its status, and its documentation. */
export function Route({ summary, description, action, rule, answers, errors, waits, credentials }: RouteFacts): MethodDecorator {
  return applyDecorators(
    SetMetadata(ruleKey, rule),
    SetMetadata(actionKey, action),
    SetMetadata(credentialsKey, credentials ?? false),
    HttpCode(Math.min(...Object.keys(answers).map(Number))),
    ApiOperation({ summary, ...(description === undefined ? {} : { description }) }),
    ApiExtension('x-rule', rule),
    ApiExtension('x-action', action),
    ...(waits ? [ApiExtension('x-waits', true)] : []),
    ...(credentials ? [ApiExtension('x-credentials', true)] : []),
    ...Object.entries(answers).map(([status, answer]) => documented(Number(status), answer)),
    ...Object.entries(errors).map(([status, when]) => ApiResponse({ status: Number(status), description: when })),
  );
}

function documented(status: number, { description, model, content }: Answer): MethodDecorator {
  return applyDecorators(...(model ? [ApiExtraModels(model)] : []), ApiResponse({ status, description, ...(content ? { content } : {}) }));
}
