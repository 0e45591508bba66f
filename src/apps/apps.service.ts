import { Injectable } from '@nestjs/common';
import { randomInt, randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { AuditTrail } from '../audit/audit-trail.ts';
import { listed } from '../database/listing.ts';
import { violatedConstraint } from '../database/violated-constraint.ts';
import { Changes, type Committed } from '../deploy/changes.ts';
import { OperationQueue } from '../deploy/operation-queue.ts';
import { WHOLE_APP, type Operation } from '../deploy/operation.entity.ts';
import { Submissions } from '../deploy/submissions.ts';
import { Domain } from '../domains/domain.entity.ts';
import { AppEvents } from '../events/app-events.ts';
import { ApiError, Conflict, Forbidden, InvalidFields, NotFound, Recorded } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import type { Submitted } from '../http/submitted.ts';
import { IdempotencyKeys } from '../idempotency/idempotency-keys.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { OutOfReach } from '../kubernetes/cluster-errors.ts';
import { NAMESPACE } from '../kubernetes/object-kind.ts';
import { AppLog } from '../logs/app-log.ts';
import { Collaboration } from '../perms/collaboration.entity.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import { Settings } from '../settings/settings.ts';
import { User } from '../users/user.entity.ts';
import { AppSettings } from '../app-settings/app-settings.entity.ts';
import { App, structureOf } from './app.entity.ts';
import { AppAccesses } from './app-accesses.ts';
import { appIdFaults, generateAppId } from './app-id.ts';
import type { AppView } from './app.response.ts';
import { mayOwn } from './app.rights.ts';
import { Tls } from '../tls/tls.entity.ts';

/** Made-up names that are tried before giving up. */
const DRAWS = 20;
/** What the audit log calls it: its route is that of looking an app over. */
const TRANSFER = 'app.transfer';
const TAKEN = 'Application with this id already exists.';

/** Tables whose rows name who made them and change hands with the app. */
const HISTORIES = ['builds', 'configs', 'domains', 'releases', 'app_settings', 'tls', 'services'];

const namespaceTaken = (id: string): string => `${id} already exists as a namespace in this kuberenetes setup`;

/** Apps from their creation to their end. */
@Injectable()
export class AppsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly accesses: AppAccesses,
    private readonly changes: Changes,
    private readonly queue: OperationQueue,
    private readonly submissions: Submissions,
    private readonly releases: ReleaseLedger,
    private readonly appLog: AppLog,
    private readonly audit: AuditTrail,
    private readonly events: AppEvents,
    private readonly keys: IdempotencyKeys,
    private readonly cluster: Cluster,
    private readonly settings: Settings,
  ) {}

  /** The user's own and shared apps by id; for administrators all. One statement. */
  async list(user: User, paging: Paging): Promise<Page<AppView>> {
    const { condition, values } = this.accesses.appsOf(user);
    const listing = {
      columns: `app.uuid, app.id, owner.username AS owner, app.created, app.updated, ${structureOf('app')} AS structure`,
      table: 'apps',
      alias: 'app',
      join: 'JOIN users owner ON owner.id = app.owner_id',
      where: condition,
      // the same order everywhere, whatever the database's language
      order: 'app.id COLLATE "C"',
      values,
    };
    const { count, rows } = await listed(this.dataSource.manager, listing, paging);
    return paging.page(
      count,
      rows.map((row) => this.view(row as Omit<AppView, 'url'>)),
    );
  }

  /** @param app with its owner */
  shown({ owner, ...app }: App): AppView {
    return this.view({ ...app, owner: owner.username });
  }

  /**
   * Makes an app with its first release, settings and default domain, and has its namespace made.
   * @param id by default one is made up
   * @throws InvalidFields for an id that cannot be had, Conflict where a namespace is in the way
   */
  async create(owner: User, id: string | null): Promise<Submitted<AppView>> {
    const recalled = this.keys.recalled()?.value as Committed<App> | undefined;
    if (recalled) return this.created(recalled.value, recalled.operation);
    if (id === null) return this.createWithAnyId(owner);
    const faults = appIdFaults(id, this.settings.reservedNames);
    if (faults.length > 0) throw new InvalidFields({ id: faults });
    try {
      if (await this.namespaceExists(id)) throw new Conflict(namespaceTaken(id));
      return await this.insert(owner, id);
    } catch (error) {
      const taken = error instanceof ApiError ? await this.dataSource.manager.findOneBy(App, { id }) : null;
      if (!taken) throw error;
      return this.join(taken, owner);
    }
  }

  /**
   * Gives the app to somebody else, with what its owner made in it.
   * @throws Forbidden unless the user owns or administers it, NotFound when there is nobody of that name
   */
  async transfer({ uuid }: App, user: User, username: string): Promise<void> {
    await this.changes.commit(uuid, async ({ manager, app }) => {
      if (!mayOwn(user, { app })) throw new Forbidden();
      // the lock keeps him from being removed meanwhile
      const owner = await manager.findOne(User, { where: { username }, lock: { mode: 'pessimistic_read' } });
      if (!owner) throw NotFound.of('User');
      for (const table of HISTORIES) {
        await manager.query(`UPDATE ${table} SET owner_id = $3 WHERE app_uuid = $1 AND owner_id = $2`, [uuid, app.ownerId, owner.id]);
      }
      await manager.update(App, { uuid }, { ownerId: owner.id });
      await manager.delete(Collaboration, { appUuid: uuid, userId: owner.id });
      await this.events.write(manager, uuid, 'perms', { by: user.username, action: 'transferred', username });
      const { username: before } = await manager.findOneByOrFail(User, { id: app.ownerId });
      return { value: undefined, cluster: null, audit: { action: TRANSFER, before: { owner: before }, after: { owner: username } } };
    });
  }

  /** Has the cluster looked over and set right. */
  async reassert(app: App): Promise<Submitted<void>> {
    const { operation } = await this.changes.commit(app.uuid, () => Promise.resolve({ value: undefined, cluster: { kind: 'heal' } }));
    return this.submissions.of(operation, (ended) => {
      const refusal = ended?.outcome?.[WHOLE_APP];
      if (refusal) throw new Recorded(refusal.status, refusal.message);
    });
  }

  /** Takes the app away, with everything of it in the cluster. Asked again while it goes, it waits for the same end. */
  async destroy(app: App): Promise<Submitted<void>> {
    const operation = await this.changes.destroy(app, (manager) => this.appLog.write(manager, app.uuid, 'deleting environment'));
    return this.submissions.of(operation, (ended) => {
      const refused = ended?.outcome?.[WHOLE_APP];
      if (refused) throw new Recorded(refused.status, refused.message);
    });
  }

  private async createWithAnyId(owner: User): Promise<Submitted<AppView>> {
    for (let draw = 0; draw < DRAWS; draw++) {
      const id = generateAppId(randomInt);
      if (this.settings.reservedNames.includes(id) || (await this.dataSource.manager.existsBy(App, { id }))) continue;
      if (await this.namespaceExists(id)) continue;
      try {
        return await this.insert(owner, id);
      } catch (error) {
        // somebody else was faster
        if (!(error instanceof InvalidFields)) throw error;
      }
    }
    throw new Conflict('No name was found that is free: choose one, as "id"');
  }

  /** Whoever repeats a creation that isn't over, because an answer got lost or took too long, gets its outcome. */
  private async join(app: App, owner: User): Promise<Submitted<AppView>> {
    const open = app.ownerId === owner.id && !app.provisioned && !app.destroying ? await this.queue.openOf(app.uuid) : null;
    if (!open) throw new InvalidFields({ id: [TAKEN] });
    const same = { id: app.id, owner: owner.username };
    await this.dataSource.transaction(async (manager) => {
      await this.audit.record(manager, { object: `app:${app.id}`, app, before: same, after: same });
      await this.keys.remember(manager, { value: app, operation: open.uuid, generation: open.generation });
    });
    return this.created(app, open.uuid);
  }

  private async insert(owner: User, id: string): Promise<Submitted<AppView>> {
    const app = this.dataSource.manager.create(App, { uuid: randomUUID(), id, owner, ownerId: owner.id, generation: 1 });
    const operation = await this.changes
      .create(app, (manager) => this.insertRest(manager, app))
      .catch((error: unknown) => {
        switch (violatedConstraint(error)) {
          case 'apps_id_key':
            throw new InvalidFields({ id: [TAKEN] });
          case 'domains_domain_key':
            throw new InvalidFields({ id: [`The domain ${this.defaultDomain(id)} is already in use by another application`] });
          default:
            throw error;
        }
      });
    return this.created(app, operation);
  }

  private async insertRest(manager: EntityManager, app: App): Promise<void> {
    // settled: they come and go with the app itself
    const row = () => ({ uuid: randomUUID(), appUuid: app.uuid, ownerId: app.ownerId, generation: app.generation, settled: true });
    await this.releases.append(manager, app, { author: app.owner, change: { kind: 'create' } });
    await manager.insert(AppSettings, row());
    await manager.insert(Tls, row());
    await manager.insert(Domain, { ...row(), domain: this.defaultDomain(app.id) });
  }

  private created({ uuid, id }: App, operation: string | null): Submitted<AppView> {
    return this.submissions.of(operation, async (ended) => {
      const app = await this.dataSource.manager.findOne(App, { where: { uuid }, relations: { owner: true } });
      if (app) return this.shown(app);
      throw refusal(id, ended);
    });
  }

  /** Whether the cluster has a namespace of the name. Out of reach, it is asked again when the namespace is made. */
  private async namespaceExists(id: string): Promise<boolean> {
    try {
      return (await this.cluster.get(NAMESPACE, undefined, id)) !== null;
    } catch (error) {
      if (error instanceof OutOfReach) return false;
      throw error;
    }
  }

  private defaultDomain(id: string): string {
    return `${id}.${this.settings.platformDomain}`;
  }

  private view({ uuid, id, owner, structure, created, updated }: Omit<AppView, 'url'>): AppView {
    return { uuid, id, owner, structure, url: this.defaultDomain(id), created, updated };
  }
}

/** Why an app that was to be made isn't there. */
function refusal(id: string, ended: Operation | null): Error {
  const { status, message } = ended?.outcome?.[WHOLE_APP] ?? {};
  return status !== undefined && message !== undefined ? new Recorded(status, message) : new Conflict(`${id} is being destroyed`);
}
