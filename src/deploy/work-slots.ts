import { Injectable } from '@nestjs/common';

/**
 * How many operations of this process work on the cluster at a time. One that only waits for pods stands aside meanwhile, so that those
 * that never come up hold up nobody else.
 */
@Injectable()
export class WorkSlots {
  /** Operations that work at a time; tests make it less. */
  most = 32;
  /** Operations that this process has at all, with those that wait: each of them has a watch of its own. */
  mostHeld = 500;
  private taken = 0;
  private readonly queue: (() => void)[] = [];
  private readonly listeners: (() => void)[] = [];

  /** Whether one more operation could begin. @param held how many there are */
  hasRoom(held: number): boolean {
    return this.taken < this.most && held < this.mostHeld;
  }

  /** Called when a place has become free that nobody waited for. */
  onFree(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Does something in a place of its own, when there is one. */
  async inside<T>(work: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      return await work();
    } finally {
      this.giveBack();
    }
  }

  /** Waits for something without the place that the caller has, and takes one again. */
  async aside<T>(wait: () => Promise<T>): Promise<T> {
    this.giveBack();
    try {
      return await wait();
    } finally {
      await this.take();
    }
  }

  private async take(): Promise<void> {
    if (this.taken < this.most) this.taken += 1;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
  }

  private giveBack(): void {
    const next = this.queue.shift();
    if (next) {
      next();
      return;
    }
    this.taken -= 1;
    for (const listener of this.listeners) listener();
  }
}
