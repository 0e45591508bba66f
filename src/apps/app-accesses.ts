import { Injectable } from '@nestjs/common';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import { Projection } from '../database/projection.ts';
import { Collaboration } from '../perms/collaboration.entity.ts';
import { productGives, productRoads, type ProductRoad } from '../rbac/product-roads.ts';
import { User } from '../users/user.entity.ts';
import { App } from './app.entity.ts';
import type { AppAccess } from './app.rights.ts';

type Row = Record<string, unknown>;

/** Who stands how to which app, asked from all three sides. What he may do there, the predicates of `app.rights.ts` say. */
@Injectable()
export class AppAccesses {
  private readonly user: Projection<User>;
  private readonly app: Projection<App>;
  private readonly owner: Projection<User>;
  /** SQL: the user of the id $1. */
  private readonly caller: string;
  /** SQL: that user, and how he stands to the app of the id $2. */
  private readonly callerAndApp: string;

  constructor(private readonly dataSource: DataSource) {
    this.user = new Projection(dataSource, User, 'user');
    this.app = new Projection(dataSource, App, 'app');
    this.owner = new Projection(dataSource, User, 'owner', ['id', 'uuid', 'username']);
    this.caller = `SELECT ${this.user.columns} FROM users "user" WHERE "user".id = $1`;
    this.callerAndApp = `SELECT ${this.user.columns}, ${this.accessColumns('$1')}
      FROM users "user" LEFT JOIN (apps app JOIN users owner ON owner.id = app.owner_id) ON app.id = $2 WHERE "user".id = $1`;
  }

  /**
   * A user and how he stands to the app of a name, for the guards: one SELECT. `access` is undefined if there is no such app.
   * @param app its id; null: no app is asked for
   */
  async standing(user: number, app: string | null): Promise<{ user: User; access: AppAccess | undefined } | null> {
    const { manager } = this.dataSource;
    const [row] =
      app === null ? await manager.query<Row[]>(this.caller, [user]) : await manager.query<Row[]>(this.callerAndApp, [user, app]);
    return row ? { user: this.user.entity(row), access: this.accessOf(row) } : null;
  }

  /** An app, its owner, whether the user holds a grant of it, and what products give him; undefined if there is no such app. One SELECT. */
  async find(id: string, user: Pick<User, 'id'>): Promise<AppAccess | undefined> {
    return this.access('app.id', id, user);
  }

  /** The same, by the app's uuid. */
  async findByUuid(uuid: string, user: Pick<User, 'id'>): Promise<AppAccess | undefined> {
    return this.access('app.uuid', uuid, user);
  }

  /**
   * An SQL condition on `apps app`: those that the user may use, his own, those shared with him, and his products'; for administrators all.
   * `values` are those of its parameters.
   */
  appsOf(user: User): { condition: string; values: unknown[] } {
    if (user.isSuperuser) return { condition: 'true', values: [] };
    const shared = 'EXISTS (SELECT FROM collaborations held WHERE held.app_uuid = app.uuid AND held.user_id = $1)';
    return { condition: `(app.owner_id = $1 OR ${shared} OR ${productGives('app.uuid', '$1')})`, values: [user.id] };
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

  private async access(key: 'app.id' | 'app.uuid', app: string, { id: user }: Pick<User, 'id'>): Promise<AppAccess | undefined> {
    const [row] = await this.dataSource.manager.query<Row[]>(
      `SELECT ${this.accessColumns('$1')} FROM apps app JOIN users owner ON owner.id = app.owner_id WHERE ${key} = $2`,
      [user, app],
    );
    return row && this.accessOf(row);
  }

  /** @param user SQL for the user's id */
  private accessColumns(user: string): string {
    return `${this.app.columns}, ${this.owner.columns}, ${productRoads('app.uuid', user)} AS roads,
      EXISTS (SELECT FROM collaborations held WHERE held.app_uuid = app.uuid AND held.user_id = ${user}) AS collaborates`;
  }

  private accessOf(row: Row): AppAccess | undefined {
    // null, or not asked for, where no app was joined
    if (typeof row.app_uuid !== 'string') return undefined;
    const app = this.app.entity(row);
    app.owner = this.owner.entity(row);
    return { app, collaborates: row.collaborates === true, roads: row.roads as ProductRoad[] };
  }
}
