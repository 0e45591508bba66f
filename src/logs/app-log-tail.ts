import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Notifications } from '../deploy/notifications.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import { AppLog } from './app-log.ts';
import type { AppLogLine } from './app-log-line.entity.ts';

/** A line is seen when its transaction commits, which may be after lines with higher ids. None takes so long. Milliseconds. */
const LATE = 60_000;
/** Lines that are read at once: who has more to read does so page by page. */
const PAGE = 1_000;
/** A notification wakes who waits; it is looked this often besides. Milliseconds. */
const LOOK = 60_000;
/** The pause after the database didn't answer, in milliseconds. */
const PAUSE = 1_000;

/** The lines of an app that were seen, to tell which are new. */
export class SeenLines {
  /** By id: when they were written. Only those that are above the floor. */
  private readonly seen = new Map<string, number>();
  /** No line up to this id is still to come. */
  floor: string;

  /** @param first those that were read to begin with, by rising id */
  constructor(first: readonly AppLogLine[], now = Date.now()) {
    const [oldest] = first;
    this.floor = oldest ? String(BigInt(oldest.id) - 1n) : '0';
    this.unseen(first, now);
  }

  /** Ids above the floor. */
  ids(): string[] {
    return [...this.seen.keys()];
  }

  /** @param lines above the floor, by rising id */
  unseen(lines: readonly AppLogLine[], now = Date.now()): AppLogLine[] {
    const fresh = lines.filter(({ id }) => !this.seen.has(id));
    for (const { id, at } of fresh) this.seen.set(id, at.getTime());
    for (const [id, at] of this.seen) {
      if (at >= now - LATE) continue;
      if (BigInt(id) > BigInt(this.floor)) this.floor = id;
    }
    for (const id of this.seen.keys()) if (BigInt(id) <= BigInt(this.floor)) this.seen.delete(id);
    return fresh;
  }
}

/** Follows what Keelson says about apps, whichever replica says it: the database tells when there is something. */
@Injectable()
export class AppLogTail implements OnModuleInit {
  private readonly logger = new Logger(AppLogTail.name);
  /** Who waits for lines, by the app's uuid. */
  private readonly waiting = new Map<string, Set<Wakeup>>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly notifications: Notifications,
    private readonly appLog: AppLog,
  ) {}

  onModuleInit(): void {
    this.notifications.on('app_log', (appUuid) => {
      for (const wakeup of this.waiting.get(appUuid) ?? []) wakeup.signal();
    });
    // what was said meanwhile was missed
    this.notifications.onConnected(() => {
      for (const wakeup of [...this.waiting.values()].flatMap((wakeups) => [...wakeups])) wakeup.signal();
    });
  }

  /** Begins to listen: what is read afterwards and what is followed leave nothing out between them. Followed once, until the signal. */
  listen(appUuid: string, signal: AbortSignal): (first: readonly AppLogLine[]) => AsyncGenerator<AppLogLine, void, undefined> {
    const wakeup = new Wakeup();
    const wakeups = this.waiting.get(appUuid) ?? new Set();
    this.waiting.set(appUuid, wakeups.add(wakeup));
    const end = (): void => {
      wakeup.signal();
      wakeups.delete(wakeup);
      if (wakeups.size === 0 && this.waiting.get(appUuid) === wakeups) this.waiting.delete(appUuid);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return (first) => this.lines(appUuid, new SeenLines(first), wakeup, signal);
  }

  private async *lines(appUuid: string, seen: SeenLines, wakeup: Wakeup, signal: AbortSignal): AsyncGenerator<AppLogLine, void, undefined> {
    let more = false;
    for (;;) {
      if (!more) await wakeup.within(LOOK);
      if (signal.aborted) return;
      let lines: AppLogLine[];
      try {
        lines = await this.appLog.after(this.dataSource.manager, appUuid, seen.floor, seen.ids(), PAGE);
      } catch (error) {
        this.logger.warn(`the log of an app cannot be followed for the moment: ${error instanceof Error ? error.message : String(error)}`);
        more = true;
        await sleep(PAUSE, undefined, { signal }).catch(() => undefined);
        continue;
      }
      more = lines.length === PAGE;
      yield* seen.unseen(lines);
    }
  }
}
