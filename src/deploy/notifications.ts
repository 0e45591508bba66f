import { Injectable, Logger } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { EntityManager } from 'typeorm';
import { DatabaseServer } from '../database/database-server.ts';

/**
 * `due`: an app has work, payload its uuid. `settled`: an operation ended, payload its uuid. `deploy_hooks`: some wait to be sent, payload
 * the app's uuid. `app_event`: something happened to an app, or it is gone, payload its uuid; the database sends it by itself.
 * `app_log`: Keelson said something about an app, payload its uuid. `app_gone`: an app was destroyed, payload its uuid.
 */
const CHANNELS = ['due', 'settled', 'deploy_hooks', 'app_event', 'app_log', 'app_gone'] as const;
export type Channel = (typeof CHANNELS)[number];

const PREFIX = 'keelson_';
const RETRY = 500;
/** How often the connection is tried, and how long an answer and a farewell may take, in milliseconds. */
const ALIVE = 10_000;
const PATIENCE = 5_000;
/** A connection that was cut silently is noticed within seconds. */
const LISTENING = {
  application_name: 'keelson-listen',
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: PATIENCE,
  query_timeout: PATIENCE,
};

/** Wakes other replicas, and this one, through PostgreSQL's NOTIFY. One connection listens for the whole process. */
@Injectable()
export class Notifications {
  private readonly logger = new Logger(Notifications.name);
  private readonly emitter = new EventEmitter().setMaxListeners(0);
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;

  constructor(private readonly server: DatabaseServer) {}

  /** Sent when the transaction of `manager` commits. */
  static async send(manager: EntityManager, channel: Channel, payload: string): Promise<void> {
    await manager.query('SELECT pg_notify($1, $2)', Notifications.parameters(channel, payload));
  }

  /** Those of `pg_notify`, for a statement that does more than send. */
  static parameters(channel: Channel, payload: string): [string, string] {
    return [PREFIX + channel, payload];
  }

  /** Starts listening; resolves when the first connection listens. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.emitter.once('connected', resolve);
      this.running ??= this.run();
    });
  }

  on(channel: Channel, listener: (payload: string) => void): void {
    this.emitter.on(channel, listener);
  }

  /** Called whenever listening begins (again): what was sent meanwhile was missed, so look at the rows. */
  onConnected(listener: () => void): void {
    this.emitter.on('connected', listener);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      try {
        await this.listen(signal);
      } catch (error) {
        this.logger.warn(`listening for notifications failed: ${error instanceof Error ? error.message : String(error)}`);
      }
      await sleep(RETRY, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, until it breaks or the process ends. */
  private async listen(signal: AbortSignal): Promise<void> {
    const client = new pg.Client({ connectionString: this.server.url, ...LISTENING });
    let alive: NodeJS.Timeout | undefined;
    const over = new AbortController();
    try {
      const ended = new Promise<void>((resolve) => {
        // what comes without being asked for doesn't show that a connection is dead
        alive = setInterval(() => void client.query('SELECT 1').catch(resolve), ALIVE);
        client.on('error', () => {
          resolve();
        });
        client.on('end', resolve);
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { signal: over.signal },
        );
      });
      await client.connect();
      client.on('notification', ({ channel, payload }) => {
        this.emitter.emit(channel.slice(PREFIX.length), payload ?? '');
      });
      for (const channel of CHANNELS) await client.query(`LISTEN ${PREFIX}${channel}`);
      this.emitter.emit('connected');
      await ended;
    } finally {
      clearInterval(alive);
      over.abort();
      await Promise.race([client.end().catch(() => undefined), sleep(PATIENCE, undefined, { ref: false })]);
    }
  }
}
