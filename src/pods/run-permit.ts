import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { type AppAccess, commandVerdict } from '../apps/app.rights.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { type ConfigContent, emptyConfig } from '../config/config-content.ts';
import { BadRequest, Forbidden, InvalidFields } from '../http/errors.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import type { User } from '../users/user.entity.ts';
import { maskedCommand } from './command-mask.ts';

/** A command that may be run. */
export interface PermittedCommand {
  /** As it was sent. */
  command: string;
  /** What it consists of, where no shell is to run it; null: one is. */
  words: readonly string[] | null;
}

/** Bytes of the longest argument that Linux starts a process with, without the NUL at its end. */
const LONGEST_COMMAND = 131_071;

/** Says which one-off commands may be run, and as what. */
@Injectable()
export class RunPermit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly releases: ReleaseLedger,
    private readonly audit: AuditTrail,
  ) {}

  /**
   * @param command as it was sent
   * @throws BadRequest without one, InvalidFields for one that is too long; Forbidden when an ACL refuses it, which the audit log is told of
   */
  async of(access: AppAccess, user: User, command: string | null | undefined): Promise<PermittedCommand> {
    if (!command) throw new BadRequest('command is a required field');
    if (Buffer.byteLength(command) > LONGEST_COMMAND) {
      throw new InvalidFields({ command: [`Ensure this field has no more than ${LONGEST_COMMAND} bytes.`] });
    }
    const verdict = commandVerdict(user, access, command);
    if (verdict.allowed) return { command, words: verdict.words };
    await this.recordRefusal(access.app, command, verdict.acl);
    throw new Forbidden(verdict.why);
  }

  private async recordRefusal(app: App, command: string, acl: string): Promise<void> {
    const head = await this.releases.head(this.dataSource.manager, app.uuid);
    await this.audit.refused({ object: `app:${app.id}`, app, after: { command: masked(command, head?.config ?? emptyConfig()), acl } });
  }
}

/** A command as the audit log and the app's log keep it. @param config of the app, whose secrets may be in it */
export const masked = (command: string, { values, registry }: Pick<ConfigContent, 'values' | 'registry'>): string =>
  maskedCommand(command, [...Object.values(values), ...Object.values(registry)]);
