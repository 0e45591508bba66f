import pg from 'pg';
import type { Duplex } from 'node:stream';
import { PreparedStatements } from './prepared-statements.ts';
import { readTimestamp } from './timestamps.ts';

/** Milliseconds after which a statement without an answer shows that the connection is dead: the server itself ends it after 30 s. */
const NO_ANSWER = 40_000;

type Done = (error: Error | null, result: unknown) => void;

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
      if (typeof text !== 'string') return send(...args);
      const answered = args.at(-1);
      if (typeof answered !== 'function') return promised((done) => query(...args, done));
      const name = Array.isArray(values) ? statements.nameOf(text) : undefined;
      const timer = setTimeout(() => {
        this.giveUp();
      }, NO_ANSWER);
      const done: Done = (error, result) => {
        clearTimeout(timer);
        if (error) statements.failed(text, error);
        (answered as Done)(error, result);
      };
      return send(...(name === undefined ? args.slice(0, -1) : [{ name, text, values }]), done);
    };
    Object.assign(this, { query });
  }

  private giveUp(): void {
    const { connection } = this as unknown as { connection: { stream: Duplex } };
    connection.stream.destroy(new Error('Connection terminated: the database does not answer'));
  }
}

async function promised(ask: (done: Done) => unknown): Promise<unknown> {
  try {
    return await new Promise((resolve, reject) => {
      ask((error, result) => {
        if (error) reject(error);
        else resolve(result);
      });
    });
  } catch (error) {
    // the socket that told of it is nobody's business: who asked is
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}
