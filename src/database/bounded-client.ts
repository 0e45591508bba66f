import pg from 'pg';
import type { Duplex } from 'node:stream';
import { PreparedStatements } from './prepared-statements.ts';
import { readTimestamp } from './timestamps.ts';

/** Milliseconds after which a statement without an answer shows that the connection is dead: the server itself ends it after 30 s. */
const NO_ANSWER = 40_000;

/**
 * A connection that is given up when the server doesn't answer: one that was cut without a word would hold whoever uses it for ever.
 * What was sent fails as on any connection that breaks. What is sent again and again becomes a prepared statement.
 */
export class BoundedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.setTypeParser(pg.types.builtins.TIMESTAMPTZ, readTimestamp);
    const send = this.query.bind(this) as (...args: unknown[]) => unknown;
    const statements = new PreparedStatements();
    const query = (...args: unknown[]): unknown => {
      const [text, values] = args;
      const name = typeof text === 'string' && Array.isArray(values) ? statements.nameOf(text) : undefined;
      const sent = name === undefined ? [...args] : [{ name, text, values }, ...args.slice(2)];
      const timer = setTimeout(() => {
        this.giveUp();
      }, NO_ANSWER);
      const over = (error?: unknown): void => {
        clearTimeout(timer);
        if (error && typeof text === 'string') statements.failed(text, error);
      };
      const answered = sent.at(-1);
      if (typeof answered === 'function') {
        sent[sent.length - 1] = (error: unknown, result: unknown): void => {
          over(error);
          (answered as (error: unknown, result: unknown) => void)(error, result);
        };
        return send(...sent);
      }
      const answer = send(...sent);
      // what is neither called back nor promised answers in its own time
      if (answer instanceof Promise) void answer.then(() => over(), over);
      else over();
      return answer;
    };
    Object.assign(this, { query });
  }

  private giveUp(): void {
    const { connection } = this as unknown as { connection: { stream: Duplex } };
    connection.stream.destroy(new Error('Connection terminated: the database does not answer'));
  }
}
