import { Injectable, Logger } from '@nestjs/common';
import type { App } from '../apps/app.entity.ts';
import { Settings } from '../settings/settings.ts';
import { aggregatedLog, AggregatorFailed } from './log-aggregator.ts';
import { shown } from './log-lines.ts';
import { LogReader } from './log-reader.ts';

/** What the processes of apps printed, and what Keelson has to say about them. */
@Injectable()
export class LogsService {
  private readonly logger = new Logger(LogsService.name);

  constructor(
    private readonly reader: LogReader,
    private readonly settings: Settings,
  ) {}

  /**
   * The last lines of an app's log, oldest first: from the log aggregator if there is one, else from the database and the pods.
   * @param app as loaded with the request; @param count how many lines at most
   * @returns the lines, each with a line feed; empty when there are none; null when the aggregator failed
   */
  async read(app: App, count: number): Promise<string | null> {
    const { loggerHost, loggerPort } = this.settings;
    if (loggerHost === undefined) return shown((await this.reader.end(app, count)).lines);
    const host = loggerHost.includes(':') ? `[${loggerHost}]` : loggerHost;
    try {
      return await aggregatedLog(`http://${host}:${loggerPort}`, app.id, count);
    } catch (error) {
      if (!(error instanceof AggregatorFailed)) throw error;
      this.logger.error(`the log aggregator gave no log of ${app.id}: ${error.message}`);
      return null;
    }
  }
}
