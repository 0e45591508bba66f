import { Injectable } from '@nestjs/common';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import { AppAccesses } from '../apps/app-accesses.ts';
import { App } from '../apps/app.entity.ts';
import { mayUse, type AppAccess } from '../apps/app.rights.ts';
import { Forbidden, NotFound } from '../http/errors.ts';
import { Key } from '../keys/key.entity.ts';
import { readFingerprint } from '../keys/ssh-public-key.ts';
import { User } from '../users/user.entity.ts';
import { UsersService } from '../users/users.service.ts';

/** Keys by the name of their owner. */
export type KeysByUser = Record<string, Pick<Key, 'public' | 'fingerprint'>[]>;

/** What the builder asks before it lets somebody push. Users who are disabled can't. */
@Injectable()
export class HooksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accesses: AppAccesses,
    private readonly users: UsersService,
  ) {}

  /** Whose key it is, with the ids of the apps that he may use, sorted. Two statements. @throws NotFound */
  async holderOf(fingerprint: string): Promise<{ username: string; apps: string[] }> {
    const written = readFingerprint(fingerprint);
    if (!written) throw NotFound.of('Key');
    const { md5, sha256 } = written;
    const holder = await this.dataSource.manager
      .createQueryBuilder(User, 'user')
      .innerJoin(Key, 'key', 'key.ownerId = user.id')
      .where(md5 === undefined ? 'key.sha256 = :sha256' : 'key.fingerprint = :md5', { md5, sha256 })
      .andWhere('user.isActive')
      .getOne();
    if (!holder) throw NotFound.of('Key');
    const { condition, values } = this.accesses.appsOf(holder);
    const apps = await this.dataSource.manager.query<{ id: string }[]>(
      `SELECT app.id FROM apps app WHERE ${condition} ORDER BY app.id COLLATE "C"`,
      values,
    );
    return { username: holder.username, apps: apps.map(({ id }) => id) };
  }

  /**
   * Keys of the owner, the collaborators and the products' users of an app, oldest first; who has none is left out. Two statements.
   * @throws NotFound
   */
  async keysOfApp(id: string): Promise<KeysByUser> {
    const app = await this.dataSource.manager.findOneBy(App, { id });
    if (!app) throw NotFound.of('App');
    return keysOf(this.accesses.usersOf(app).andWhere('user.isActive'));
  }

  /** The same of one user, administrators included. @throws NotFound for the app, the user or his keys; Forbidden */
  async keysOfUser(app: string, username: string): Promise<KeysByUser> {
    const { user } = await this.pusher(username, app);
    const keys = await keysOf(this.dataSource.manager.createQueryBuilder(User, 'user').where({ id: user.id }));
    if (Object.keys(keys).length === 0) throw new NotFound('No Keys match the given query.');
    return keys;
  }

  /** A user who may use an app, and the app. @throws NotFound for either, Forbidden */
  async pusher(username: string, appId: string): Promise<{ user: User; access: AppAccess }> {
    const user = await this.users.get(username);
    const access = await this.accesses.find(appId, user);
    if (!access) throw NotFound.of('App');
    if (!user.isActive || !mayUse(user, access)) throw new Forbidden();
    return { user, access };
  }
}

/** The keys of the users of a query, `user`. */
async function keysOf(users: SelectQueryBuilder<User>): Promise<KeysByUser> {
  const rows = await users
    .innerJoin(Key, 'key', 'key.ownerId = user.id')
    .select(['user.username AS username', 'key.public AS public', 'key.fingerprint AS fingerprint'])
    .orderBy({ 'key.created': 'ASC', 'key.uuid': 'ASC' })
    .getRawMany<{ username: string } & Pick<Key, 'public' | 'fingerprint'>>();
  const keys = new Map<string, Pick<Key, 'public' | 'fingerprint'>[]>();
  for (const { username, ...key } of rows) keys.set(username, [...(keys.get(username) ?? []), key]);
  return Object.fromEntries(keys);
}
