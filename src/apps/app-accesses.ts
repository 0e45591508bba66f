import { Injectable } from '@nestjs/common';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import { Collaboration } from '../perms/collaboration.entity.ts';
import { productGives, productRoads, type ProductRoad } from '../rbac/product-roads.ts';
import { User } from '../users/user.entity.ts';
import { App } from './app.entity.ts';
import type { AppAccess } from './app.rights.ts';

/** Who stands how to which app, asked from all three sides. What he may do there, the predicates of `app.rights.ts` say. */
@Injectable()
export class AppAccesses {
  constructor(private readonly dataSource: DataSource) {}

  /** An app, its owner, whether the user holds a grant of it, and what products give him; undefined if there is no such app. One SELECT. */
  async find(id: string, user: Pick<User, 'id'>): Promise<AppAccess | undefined> {
    return this.access('app.id = :app', id, user);
  }

  /** The same, by the app's uuid. */
  async findByUuid(uuid: string, user: Pick<User, 'id'>): Promise<AppAccess | undefined> {
    return this.access('app.uuid = :app', uuid, user);
  }

  /** A query for the apps, as `app`, that the user may use: his own, those shared with him, and his products'; for administrators all. */
  appsOf(user: User): SelectQueryBuilder<App> {
    const apps = this.dataSource.manager.createQueryBuilder(App, 'app');
    if (user.isSuperuser) return apps;
    const shared = apps.subQuery().select('1').from(Collaboration, 'grant').where('grant.appUuid = app.uuid AND grant.userId = :user');
    return apps.where(`(app.ownerId = :user OR EXISTS ${shared.getQuery()} OR ${productGives('app.uuid', ':user')})`, { user: user.id });
  }

  /**
   * A query for the users, as `user`, who an app belongs to, is shared with or is given by a product. Administrators are not among them as
   * such.
   */
  usersOf({ uuid, ownerId }: App): SelectQueryBuilder<User> {
    const users = this.dataSource.manager.createQueryBuilder(User, 'user');
    const grants = users.subQuery().select('1').from(Collaboration, 'grant').where('grant.appUuid = :app AND grant.userId = user.id');
    return users.where(`(user.id = :owner OR EXISTS ${grants.getQuery()} OR ${productGives(':app', 'user.id')})`, {
      app: uuid,
      owner: ownerId,
    });
  }

  private async access(condition: string, app: string, { id: user }: Pick<User, 'id'>): Promise<AppAccess | undefined> {
    const { entities, raw } = await this.dataSource.manager
      .createQueryBuilder(App, 'app')
      .innerJoinAndSelect('app.owner', 'owner')
      .leftJoin(Collaboration, 'grant', 'grant.appUuid = app.uuid AND grant.userId = :user')
      .addSelect('grant.userId IS NOT NULL', 'collaborates')
      .addSelect(productRoads('app.uuid', ':user'), 'roads')
      .where(condition)
      .setParameters({ app, user })
      .getRawAndEntities<{ collaborates: boolean; roads: ProductRoad[] }>();
    const [row] = raw;
    return entities[0] && row && { app: entities[0], collaborates: row.collaborates, roads: row.roads };
  }
}
