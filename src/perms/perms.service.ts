import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { AuditFact } from '../audit/audit-trail.ts';
import type { App } from '../apps/app.entity.ts';
import { Changes } from '../deploy/changes.ts';
import { AppEvents } from '../events/app-events.ts';
import { Forbidden, NotFound } from '../http/errors.ts';
import { AppLog } from '../logs/app-log.ts';
import { User } from '../users/user.entity.ts';
import { Collaboration } from './collaboration.entity.ts';

/** Who shares an app with its owner. */
@Injectable()
export class PermsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly appLog: AppLog,
    private readonly events: AppEvents,
  ) {}

  /** Usernames of the collaborators, in order. One statement. */
  async list({ uuid }: App): Promise<string[]> {
    const users = await this.dataSource.manager
      .createQueryBuilder(User, 'user')
      .select('user.username', 'username')
      .innerJoin(Collaboration, 'grant', 'grant.userId = user.id')
      .where('grant.appUuid = :uuid', { uuid })
      // the same order everywhere, whatever the database's language
      .orderBy('user.username COLLATE "C"')
      .getRawMany<{ username: string }>();
    return users.map(({ username }) => username);
  }

  /**
   * Makes somebody a collaborator, as `by`. Nothing changes for who is one already, nor for the owner, who never is one.
   * @throws NotFound when there is nobody of that name
   */
  async grant({ uuid }: App, by: User, username: string): Promise<void> {
    await this.changes.commit(uuid, async ({ manager, app }) => {
      const { id: userId } = await lockedUser(manager, username);
      const grant = { appUuid: uuid, userId };
      const isOwner = userId === app.ownerId;
      const before = !isOwner && (await manager.existsBy(Collaboration, grant));
      if (!isOwner && !before) {
        await manager.insert(Collaboration, grant);
        await this.appLog.write(manager, uuid, `User ${username} was granted access to ${app.id}`);
        await this.events.write(manager, uuid, 'perms', { by: by.username, action: 'granted', username });
      }
      return { value: undefined, cluster: null, audit: audited(username, before, !isOwner) };
    });
  }

  /** @throws NotFound when there is nobody of that name, Forbidden (as the reference) when he is no collaborator */
  async revoke({ uuid }: App, by: User, username: string): Promise<void> {
    await this.changes.commit(uuid, async ({ manager, app }) => {
      const { id: userId } = await lockedUser(manager, username);
      const { affected } = await manager.delete(Collaboration, { appUuid: uuid, userId });
      if (affected === 0) throw new Forbidden(`${username} is no collaborator of ${app.id}`);
      await this.appLog.write(manager, uuid, `User ${username} was revoked access to ${app.id}`);
      await this.events.write(manager, uuid, 'perms', { by: by.username, action: 'revoked', username });
      return { value: undefined, cluster: null, audit: audited(username, true, false) };
    });
  }
}

const audited = (username: string, before: boolean, after: boolean): Omit<AuditFact, 'app'> => ({
  object: `user:${username}`,
  before: { collaborator: before },
  after: { collaborator: after },
});

/** The lock keeps the user from being removed meanwhile. */
async function lockedUser(manager: EntityManager, username: string): Promise<User> {
  const user = await manager.findOne(User, { where: { username }, lock: { mode: 'pessimistic_read' } });
  if (!user) throw NotFound.of('User');
  return user;
}
