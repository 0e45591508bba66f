import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Notifications } from '../deploy/notifications.ts';
import { Wakeup } from '../deploy/wakeup.ts';
import { Settings } from '../settings/settings.ts';
import { DeployHookQueue } from './deploy-hook-queue.ts';
import { sendDeployHook, shownUrl } from './deploy-hook-request.ts';
import type { DeployHook } from './deploy-hook.entity.ts';

/** Deploy hooks that one process sends at a time. */
const AT_ONCE = 8;
/** Without any sign of work the queue is looked at this often, in milliseconds: notifications do the rest. */
const IDLE = 30_000;
const SOONEST = 50;
/** Pause after the database failed, in milliseconds. */
const TROUBLE = 1_000;

/** Sends deploy hooks, apart from the requests that made the releases. Every replica has one; without configured URLs it rests. */
@Injectable()
export class DeployHookWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DeployHookWorker.name);
  private readonly woken = new Wakeup();
  private readonly running = new Set<Promise<void>>();
  private stopping = false;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly queue: DeployHookQueue,
    private readonly settings: Settings,
    notifications: Notifications,
  ) {
    const wake = (): void => {
      this.woken.signal();
    };
    notifications.on('deploy_hooks', wake);
    notifications.onConnected(wake);
  }

  onApplicationBootstrap(): void {
    if (this.settings.deployHookUrls.length > 0) this.loop = this.work();
  }

  /** Takes nothing new and lets what is being sent end, which takes seconds at most. The rest waits for another replica or the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.woken.signal();
    await this.loop;
    await Promise.all(this.running);
  }

  private async work(): Promise<void> {
    const stopped = (): boolean => this.stopping;
    while (!stopped()) {
      let pause = IDLE;
      try {
        const claimed = this.running.size < AT_ONCE ? await this.queue.claim(AT_ONCE - this.running.size) : [];
        for (const hook of claimed) this.begin(hook);
        // whoever ends wakes this up
        const next = this.running.size < AT_ONCE ? await this.queue.secondsToNext() : null;
        if (next !== null) pause = Math.min(IDLE, Math.max(SOONEST, next * 1000));
      } catch (error) {
        this.logger.warn(`deploy hooks cannot be claimed: ${error instanceof Error ? error.message : String(error)}`);
        pause = TROUBLE;
      }
      if (!stopped()) await this.woken.within(pause);
    }
  }

  private begin(hook: DeployHook): void {
    const done: Promise<void> = this.send(hook)
      .catch((error: unknown) => {
        // its lease runs out, and it is sent again
        this.logger.warn(`what became of a deploy hook could not be recorded: ${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(() => {
        this.running.delete(done);
        this.woken.signal();
      });
    this.running.add(done);
  }

  private async send(hook: DeployHook): Promise<void> {
    const reason = await sendDeployHook(hook.url, this.settings.deployHookSecret).then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (reason === null) return this.queue.sent(hook);
    if (await this.queue.failed(hook, reason)) this.logger.warn(`a deploy hook to ${shownUrl(hook.url)} was given up: ${reason}`);
  }
}
