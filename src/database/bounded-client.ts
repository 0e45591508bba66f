import pg from 'pg';
import type { Duplex } from 'node:stream';
import { PreparedStatements } from './prepared-statements.ts';

/** Milliseconds after which a statement without an answer shows that the connection is dead: the server itself ends it after 30 s. */
const NO_ANSWER = 40_000;

/**
 * A connection that is given up when the server doesn't answer: one that was cut without a word would hold whoever uses it for ever.
 * What was sent fails as on any connection that breaks. What is sent again and again becomes a prepared statement.
 */
export class BoundedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const send = this.query.bind(this) as (...args: unknown[]) => unknown;
    const statements = new PreparedStatements();
    Object.assign(this, {
      query: (...args: unknown[]): unknown => {
        const [text, values] = args;
        const name = args.length === 2 && typeof text === 'string' && Array.isArray(values) ? statements.nameOf(text) : undefined;
        const sent = name === undefined ? send(...args) : send({ name, text, values });
        if (!(sent instanceof Promise)) return sent;
        const timer = setTimeout(() => {
          this.giveUp();
        }, NO_ANSWER);
        return sent
          .catch((error: unknown) => {
            if (typeof text === 'string') statements.failed(text, error);
            throw error;
          })
          .finally(() => {
            clearTimeout(timer);
          });
      },
    });
  }

  private giveUp(): void {
    const { connection } = this as unknown as { connection: { stream: Duplex } };
    connection.stream.destroy(new Error('Connection terminated: the database does not answer'));
  }
}
