import type { LoggerService } from '@nestjs/common';
import { isNativeError } from 'node:util/types';
import { ClsServiceManager } from 'nestjs-cls';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

/** Injection token of the process' log. */
export const LOGGER = Symbol('logger');

/** Nest's own account of its start, of no interest to those who run Keelson. */
const chatter = new Set(['InstanceLoader', 'NestFactory', 'NestApplication', 'RouterExplorer', 'RoutesResolver']);

/**
 * The process' log: JSON lines, each with the id of the request it was written for. Never bodies, headers or query strings.
 * @param destination standard output by default
 */
export function createLogger(level: string, destination: DestinationStream = pino.destination(1)): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: described },
    mixin: () => {
      const id: unknown = ClsServiceManager.getClsService().getId();
      return id === undefined ? {} : { requestId: id };
    },
  };
  return pino(options, destination);
}

/** What is logged of an error. Not its other properties: those of a failed query hold the query's parameters. */
function described(error: unknown): object {
  if (!isNativeError(error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return { name, message, stack, ...(code === undefined ? {} : { code }), ...(cause === undefined ? {} : { cause: described(cause) }) };
}

/** Nest's `Logger` on top of the process' log. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    const facts = factsOf(message, rest);
    if (typeof facts.context === 'string' && chatter.has(facts.context)) this.logger.debug(facts);
    else this.logger.info(facts);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(factsOf(message, rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(factsOf(message, rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(factsOf(message, rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.trace(factsOf(message, rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.fatal(factsOf(message, rest));
  }
}

/** Nest appends the context to the arguments; errors may stand anywhere among them, stacks as strings. */
function factsOf(message: unknown, rest: unknown[]): Record<string, unknown> {
  const last = rest.at(-1);
  const context = typeof last === 'string' ? last : undefined;
  const details = [message, ...(context === undefined ? rest : rest.slice(0, -1))];
  const error = details.find(isNativeError);
  const stack = details.slice(1).find((part) => typeof part === 'string');
  return {
    ...(context === undefined ? {} : { context }),
    ...(error === undefined ? (stack === undefined ? {} : { stack }) : { err: error }),
    msg: isNativeError(message) ? message.message : typeof message === 'string' ? message : JSON.stringify(message),
  };
}
