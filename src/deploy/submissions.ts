import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { App } from '../apps/app.entity.ts';
import { Conflict, Recorded, Unavailable } from '../http/errors.ts';
import { Submitted } from '../http/submitted.ts';
import { Release } from '../releases/release.entity.ts';
import type { Cause } from './cause.ts';
import type { Covered } from './changes.ts';
import type { ClusterFact } from './cluster-fact.entity.ts';
import { locationOf, OperationOutcomes, RETRY_AFTER } from './operation-outcomes.ts';
import { OperationQueue } from './operation-queue.ts';
import { FACTS, type Operation } from './operation.entity.ts';
import { operationResponse } from './operation.response.ts';

/** Makes what a route handler returns out of a committed change: something that can be waited for. */
@Injectable()
export class Submissions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly outcomes: OperationOutcomes,
    private readonly queue: OperationQueue,
  ) {}

  /**
   * A change whose outcome is that of its operation.
   * @param operation its uuid; null when the cluster has nothing to do
   * @param answer what to answer with once it is over. It looks at the operation's `outcome` and `state`, and throws what they mean
   *   to this caller; null when there was no operation
   */
  of<T>(operation: string | null, answer: (operation: Operation | null) => T | Promise<T>): Submitted<T> {
    const since = performance.now();
    const settle = async (): Promise<T> => answer(operation === null ? null : await this.outcomes.settled(operation, since));
    return new Submitted(operation === null ? null : { location: locationOf(operation) }, settle, async () => this.describe(operation));
  }

  /**
   * A change of what is wanted of the app's pods. Where a release that came with it failed, a later operation may bring it.
   * @param operation as above
   * @param shown looks at what an operation that is over left; throws what that means to this caller. False: the change is still to come
   */
  brought(operation: string | null, appUuid: string, shown: (operation: Operation) => Promise<boolean>): Submitted<void> {
    const since = performance.now();
    const settle = async (): Promise<void> => {
      for (let next = operation; next !== null;) {
        const ended = await this.outcomes.settled(next, since);
        // looked at first: when nothing is open, what the rows say afterwards stays so
        const open = await this.queue.openOf(appUuid);
        if (await shown(ended)) return;
        if (!open) throw notYet(next, ended.cause);
        next = open.uuid;
      }
    };
    return new Submitted(operation === null ? null : { location: locationOf(operation) }, settle, async () => this.describe(operation));
  }

  /**
   * A change that made a release, whose outcome is the release's.
   * @throws (when settled) Recorded with the failure's words and status; Conflict when the app was destroyed meanwhile
   */
  release<T>(operation: string | null, release: Release, appId: string, answer: () => Promise<T>): Submitted<T> {
    const since = performance.now();
    const settle = async (): Promise<T> => {
      if (operation !== null) await this.decided(operation, release, appId, since);
      return answer();
    };
    return new Submitted(
      operation === null ? null : { location: locationOf(operation) },
      settle,
      async () => this.describe(operation),
      release.version,
    );
  }

  /**
   * A change of what the cluster follows.
   * @param change the committed change, or the earlier one that it repeats
   * @param fact the row that the change wrote; null for one that took rows away
   * @throws (when settled) Recorded with the cluster's words when it refused the change, which is undone then; Conflict when the app
   *   was destroyed meanwhile
   */
  routed<T>(change: Covered, app: Pick<App, 'uuid' | 'id'>, fact: ClusterFact | null, answer: () => T | Promise<T>): Submitted<T> {
    const { operation } = change;
    const since = performance.now();
    const settle = async (): Promise<T> => {
      if (operation !== null) await this.shown({ ...change, operation }, app, fact, since);
      return answer();
    };
    return new Submitted(operation === null ? null : { location: locationOf(operation) }, settle, async () => this.describe(operation));
  }

  private async shown(
    { operation, generation }: Covered & { operation: string },
    app: Pick<App, 'uuid' | 'id'>,
    fact: ClusterFact | null,
    since: number,
  ): Promise<void> {
    for (let next = operation; ;) {
      const { outcome, cause } = await this.outcomes.settled(next, since);
      // looked at first: when nothing is open, what the rows say afterwards stays so
      const open = await this.queue.covering(app.uuid, generation);
      const { manager } = this.dataSource;
      const live = await manager.findOneBy(App, { uuid: app.uuid });
      if (!live || live.destroying) throw new Conflict(`${app.id} is being destroyed`);
      if (fact && !(await manager.existsBy<ClusterFact>(fact.constructor, { uuid: fact.uuid }))) {
        // refused, or taken away by somebody else meanwhile
        const refused = outcome?.[FACTS];
        if (refused) throw new Recorded(refused.status, refused.message);
        return;
      }
      if (live.shownGeneration >= generation) return;
      if (!open) throw notYet(next, cause);
      next = open.uuid;
    }
  }

  private async decided(operation: string, { uuid, appUuid }: Release, appId: string, since: number): Promise<void> {
    for (let next = operation; ;) {
      const { cause } = await this.outcomes.settled(next, since);
      // one that the operation didn't decide, whatever goes on with the app will
      const open = await this.queue.openOf(appUuid);
      const release = await this.dataSource.manager.findOneBy(Release, { uuid });
      if (!release) throw new Conflict(`${appId} is being destroyed`);
      if (release.state === 'failed') throw new Recorded(release.failureStatus ?? 400, release.exception ?? '');
      if (release.state === 'succeeded' || release.state === 'superseded') return;
      if (!open) throw notYet(next, cause);
      next = open.uuid;
    }
  }

  private async describe(operation: string | null): Promise<object> {
    const row = operation === null ? null : await this.outcomes.get(operation);
    return row ? operationResponse(row) : {};
  }
}

/** @param operation uuid of the one that was waited for last */
const notYet = (operation: string, cause: Cause | null): Unavailable =>
  new Unavailable(`recorded, will be applied${cause ? `: ${cause.message}` : ''}`, RETRY_AFTER, locationOf(operation));
