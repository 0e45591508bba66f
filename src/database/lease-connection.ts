import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';
import { DatabaseServer } from './database-server.ts';

/** How long it takes to connect, and then to be answered, at most, in milliseconds: leases last for some more seconds. */
const PATIENCE = 5_000;

/**
 * A connection on which this process does nothing but hold on to its leases, so that requests which wait for each other, and have all
 * other connections, can't keep it from that.
 */
@Injectable()
export class LeaseConnection implements OnModuleInit {
  private readonly logger = new Logger(LeaseConnection.name);
  private readonly pool: pg.Pool;

  constructor(private readonly server: DatabaseServer) {
    this.pool = new pg.Pool({
      connectionString: server.url,
      application_name: 'keelson-leases',
      max: 1,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: PATIENCE,
      query_timeout: PATIENCE,
      statement_timeout: PATIENCE,
      keepAlive: true,
    });
    // the next statement gets another connection
    this.pool.on('error', (error) => {
      this.logger.warn(`the connection for leases broke: ${error.message}`);
    });
  }

  onModuleInit(): void {
    this.server.atLast(() => this.pool.end());
  }

  /** One statement. @returns its rows */
  async query<T extends object>(statement: string, values: unknown[]): Promise<T[]> {
    return (await this.pool.query<T>(statement, values)).rows;
  }
}
