import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { assertMayRunTypes, type AppAccess } from '../apps/app.rights.ts';
import { Changes } from '../deploy/changes.ts';
import { Submissions } from '../deploy/submissions.ts';
import type { Submitted } from '../http/submitted.ts';
import { AppLog } from '../logs/app-log.ts';
import type { User } from '../users/user.entity.ts';
import { AppSettings } from './app-settings.entity.ts';
import { newestSettings } from './newest-settings.ts';
import {
  addAddresses,
  changedFields,
  contentOf,
  mergeSettings,
  removeAddresses,
  workOf,
  type SettingsContent,
  type SettingsPatch,
} from './settings-merge.ts';

/** How an app is published and scaled. Every change adds a whole row; the newest holds. */
@Injectable()
export class AppSettingsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes: Changes,
    private readonly submissions: Submissions,
    private readonly appLog: AppLog,
  ) {}

  /** @throws NotFound when the app has just gone */
  async get(app: App): Promise<AppSettings> {
    return newestSettings(this.dataSource.manager, app.uuid);
  }

  /**
   * Merges a patch into the settings.
   * @throws Forbidden for autoscale rules of process types that aren't the author's; Unprocessable, Conflict or InvalidFields as the merge does; when settled Recorded with the cluster's words if it refused
   */
  async change(access: AppAccess, author: User, patch: SettingsPatch): Promise<Submitted<AppSettings>> {
    assertMayRunTypes(author, access, Object.keys(patch.autoscale ?? {}));
    const { app } = access;
    return this.append(app, author, (settings) => mergeSettings(settings, patch, author.username));
  }

  /** Adds to the whitelist. @throws Conflict when all of them are there; what `change` throws */
  async allow(app: App, author: User, addresses: string[]): Promise<Submitted<AppSettings>> {
    return this.append(app, author, (settings) => ({
      ...settings,
      whitelist: addAddresses(settings.whitelist, addresses, author.username),
    }));
  }

  /** Takes off the whitelist. @throws Unprocessable naming those that aren't on it; what `change` throws */
  async disallow(app: App, author: User, addresses: string[]): Promise<Submitted<void>> {
    const submitted = await this.append(app, author, (settings) => ({
      ...settings,
      whitelist: removeAddresses(settings.whitelist, addresses, author.username),
    }));
    return submitted.map(() => undefined);
  }

  private async append(app: App, owner: User, merge: (settings: SettingsContent) => SettingsContent): Promise<Submitted<AppSettings>> {
    const change = await this.changes.commit(app.uuid, async ({ manager, generation }) => {
      const before = await newestSettings(manager, app.uuid);
      const content = merge(contentOf(before));
      const work = workOf(before, content);
      const now = new Date();
      const row = manager.create(AppSettings, {
        uuid: randomUUID(),
        appUuid: app.uuid,
        owner,
        ownerId: owner.id,
        generation,
        settled: work === null,
        ...content,
        created: now,
        updated: now,
      });
      await manager.insert(AppSettings, row);
      const changed = changedFields(before, content);
      await this.appLog.write(manager, app.uuid, `${owner.username} changed ${changed.join(', ')}`);
      const audited = (one: SettingsContent): object => Object.fromEntries(changed.map((field) => [field, one[field]]));
      return { value: row, cluster: work && { kind: work }, audit: { before: audited(before), after: audited(content) } };
    });
    return this.submissions.routed(change, app, change.value, () => change.value);
  }
}
