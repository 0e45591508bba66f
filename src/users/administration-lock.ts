import { Injectable } from '@nestjs/common';
import { ClsService } from 'nestjs-cls';
import type { EntityManager } from 'typeorm';
import type { GuardedRequest } from '../auth/current.ts';
import { Conflict, Unauthorized } from '../http/errors.ts';
import { User } from './user.entity.ts';

/** The lock alone. Held until the transaction ends. */
export async function lockAdministration(tx: EntityManager): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtext('keelson.administration'))`);
}

/** What changes who administers what happens one after the other, in all replicas. */
@Injectable()
export class AdministrationLock {
  constructor(private readonly cls: ClsService) {}

  /**
   * Waits for its turn; held until the transaction ends. Who asks must still be who he was when the guards let him in: what he could do
   * may have been taken from him while he waited.
   * @throws Unauthorized when he was disabled or removed meanwhile, Conflict when his roles are others by now
   */
  async take(tx: EntityManager): Promise<void> {
    await lockAdministration(tx);
    const caller = this.cls.get<GuardedRequest | undefined>('request')?.user;
    if (!caller) return;
    const now = await tx.findOneBy(User, { id: caller.id });
    if (!now?.isActive || now.tokenVersion !== caller.tokenVersion) throw new Unauthorized('Invalid token.');
    if (now.tags.join() !== caller.tags.join()) throw new Conflict('Your roles have changed meanwhile: try again');
  }
}
