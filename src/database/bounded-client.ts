import pg from 'pg';
import type { Duplex } from 'node:stream';

/** Milliseconds after which a statement without an answer shows that the connection is dead: the server itself ends it after 30 s. */
const NO_ANSWER = 40_000;

/**
 * A connection that is given up when the server doesn't answer: one that was cut without a word would hold whoever uses it for ever.
 * What was sent fails as on any connection that breaks.
 */
export class BoundedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const send = this.query.bind(this) as (...args: unknown[]) => unknown;
    Object.assign(this, {
      query: (...args: unknown[]): unknown => {
        const sent = send(...args);
        if (!(sent instanceof Promise)) return sent;
        const timer = setTimeout(() => {
          this.giveUp();
        }, NO_ANSWER);
        return sent.finally(() => {
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
