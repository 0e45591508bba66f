import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { AuditTrail } from '../audit/audit-trail.ts';
import { violatedConstraint } from '../database/violated-constraint.ts';
import { InvalidFields, NotFound } from '../http/errors.ts';
import type { Page, Paging } from '../http/paging.ts';
import type { User } from '../users/user.entity.ts';
import { Key } from './key.entity.ts';
import { fingerprintsOf } from './ssh-public-key.ts';

const ID_TAKEN = 'SSH Key with this id already exists.';
const IN_USE = 'Public Key is already in use';

/** The SSH keys of a user. Nobody comes to another's, administrators no more than others. */
@Injectable()
export class KeysService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly audit: AuditTrail,
  ) {}

  /** By their text. Two statements. */
  async list(owner: User, paging: Paging): Promise<Page<Key>> {
    const [keys, count] = await this.dataSource.manager
      .createQueryBuilder(Key, 'key')
      .where({ ownerId: owner.id })
      // the same order everywhere, whatever the database's language
      .orderBy('key.public COLLATE "C"')
      .offset(paging.offset)
      .limit(paging.limit)
      .getManyAndCount();
    return paging.page(count, keys);
  }

  /** @throws NotFound */
  async get(owner: User, id: string): Promise<Key> {
    const key = await this.dataSource.manager.findOneBy(Key, { ownerId: owner.id, id });
    if (!key) throw NotFound.of('Key');
    return key;
  }

  /**
   * @param text a public key without faults
   * @throws InvalidFields when anybody has a key of that id, or the same key under whatever id and comment
   */
  async add(owner: User, id: string, text: string): Promise<Key> {
    const { md5: fingerprint, sha256 } = fingerprintsOf(text);
    const now = new Date();
    const { manager } = this.dataSource;
    const key = manager.create(Key, {
      uuid: randomUUID(),
      id,
      ownerId: owner.id,
      public: text.trim(),
      fingerprint,
      sha256,
      created: now,
      updated: now,
    });
    try {
      await this.dataSource.transaction(async (tx) => {
        await tx.insert(Key, key);
        await this.audit.record(tx, { object: `key:${id}`, after: { id, fingerprint } });
      });
    } catch (error) {
      const constraint = violatedConstraint(error);
      if (constraint === null) throw error;
      // a statement tells of one violation only
      const taken = constraint === 'keys_id_key' || (await manager.existsBy(Key, { id }));
      const inUse = constraint !== 'keys_id_key' || (await manager.existsBy(Key, { sha256 }));
      throw new InvalidFields({ ...(taken && { id: [ID_TAKEN] }), ...(inUse && { public: [IN_USE], key: [IN_USE] }) });
    }
    return key;
  }

  /** @throws NotFound */
  async remove(owner: User, id: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const key = await tx.findOneBy(Key, { ownerId: owner.id, id });
      const { affected } = await tx.delete(Key, { ownerId: owner.id, id });
      if (!key || affected === 0) throw NotFound.of('Key');
      await this.audit.record(tx, { object: `key:${id}`, before: { id, fingerprint: key.fingerprint } });
    });
  }
}
