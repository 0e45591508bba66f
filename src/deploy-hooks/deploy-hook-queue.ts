import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, In, type EntityManager } from 'typeorm';
import { Notifications } from '../deploy/notifications.ts';
import { AppLog } from '../logs/app-log.ts';
import { Settings } from '../settings/settings.ts';
import { DeployHook } from './deploy-hook.entity.ts';
import { deployHookUrl, shownUrl, type DeployHookFacts } from './deploy-hook-request.ts';

/** Seconds after which whoever claimed a deploy hook is taken for dead: well more than sending can take. */
const LEASE = 30;
/** How often it is tried, and the pause after the first time in seconds, five times as long after each further one. */
const TRIES = 5;
const PAUSE = 1;

/** The deploy hooks that wait to be sent, as a queue in the database: a crash loses none, and no two replicas send the same. */
@Injectable()
export class DeployHookQueue {
  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: Settings,
    private readonly appLog: AppLog,
  ) {}

  /** Has a release told to every configured URL, as soon as the transaction of `manager` commits. */
  async add(manager: EntityManager, appUuid: string, release: DeployHookFacts): Promise<void> {
    const { deployHookUrls } = this.settings;
    if (deployHookUrls.length === 0) return;
    const hooks = deployHookUrls.map((base) =>
      manager.create(DeployHook, { uuid: randomUUID(), appUuid, url: deployHookUrl(base, release) }),
    );
    await manager.insert(DeployHook, hooks);
    await Notifications.send(manager, 'deploy_hooks', appUuid);
  }

  /** Takes what is due, oldest first: nobody else gets it until the lease is over. */
  async claim(most: number): Promise<DeployHook[]> {
    const result: unknown = await this.dataSource.query(
      `UPDATE deploy_hooks SET attempts = attempts + 1, due = now() + $2 * interval '1 second'
       WHERE uuid IN (SELECT uuid FROM deploy_hooks WHERE due <= now() ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING uuid`,
      [most, LEASE],
    );
    const claimed = (result as [{ uuid: string }[], number])[0].map(({ uuid }) => uuid);
    return claimed.length === 0 ? [] : this.dataSource.manager.findBy(DeployHook, { uuid: In(claimed) });
  }

  /** Seconds until one may be due; null when none waits. */
  async secondsToNext(): Promise<number | null> {
    const [row] = await this.dataSource.query<[{ seconds: string | null }]>(
      'SELECT extract(epoch FROM min(due) - now()) AS seconds FROM deploy_hooks',
    );
    return row.seconds === null ? null : Number(row.seconds);
  }

  async sent(hook: DeployHook): Promise<void> {
    await this.end(hook, `Deploy hook sent to ${shownUrl(hook.url)}`);
  }

  /**
   * Tries again later, unless it was tried often enough.
   * @param reason in words
   * @returns whether it was given up
   */
  async failed(hook: DeployHook, reason: string): Promise<boolean> {
    const line = `An error occurred while sending the deploy hook to ${shownUrl(hook.url)}: ${reason}`;
    const { attempts } = hook;
    const pause = attempts < TRIES ? PAUSE * 5 ** (attempts - 1) : null;
    await this.end(hook, pause === null ? `${line}; given up` : `${line}; trying again in ${String(pause)} s`, pause);
    return pause === null;
  }

  /** @param pause seconds until the next try; null: there is none. Does nothing where the lease was lost, or the app is gone. */
  private async end({ uuid, appUuid, attempts }: DeployHook, line: string, pause: number | null = null): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      // first the app, as everybody does who holds both
      const apps = await manager.query<unknown[]>('SELECT 1 FROM apps WHERE uuid = $1 FOR KEY SHARE', [appUuid]);
      if (apps.length === 0) return;
      const result: unknown =
        pause === null
          ? await manager.query('DELETE FROM deploy_hooks WHERE uuid = $1 AND attempts = $2', [uuid, attempts])
          : await manager.query(`UPDATE deploy_hooks SET due = now() + $3 * interval '1 second' WHERE uuid = $1 AND attempts = $2`, [
              uuid,
              attempts,
              pause,
            ]);
      if ((result as [unknown, number])[1] === 1) await this.appLog.write(manager, appUuid, line);
    });
  }
}
