import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { DataSource, type EntityManager } from 'typeorm';
import { Encryption } from '../database/encryption.ts';
import { LeaseConnection } from '../database/lease-connection.ts';
import { Sweeper } from '../database/sweeper.ts';
import { Settings } from '../settings/settings.ts';
import { RunLimits } from './run-limits.ts';
import { Run, type RunState } from './run.entity.ts';

/** What becomes of a run. */
export interface RunEnding {
  state: Exclude<RunState, 'pending' | 'running'>;
  exitCode: number | null;
  output: string | null;
  truncated: boolean;
}

/** What has to be known of a run to see it to its end: not what it runs, nor what it printed. */
export type HeldRun = Pick<Run, 'uuid' | 'appUuid' | 'pod' | 'started' | 'finished'>;

/** Bytes of what is sealed that a list has, some 4 KiB in clear. What is longer is left out: a page of runs may have a thousand. */
const LISTED_BYTES = 5_600;
/** In place of such a command. */
const LEFT_OUT = '…';

/** Runs taken over at a time. */
const BATCH = 20;

/** What a list has of a run besides, still sealed; null for what is left out. */
interface ListedRun {
  listed_command: string | null;
  listed_output: string | null;
  listed_truncated: boolean;
}

/** What a list has of a run as it is. */
const LISTED = ['uuid', 'appUuid', 'ownerId', 'release', 'pod', 'state', 'exitCode', 'created', 'started', 'finished']
  .map((property) => `run.${property}`)
  .concat('owner');

/** The rows of runs, and who sees to which. Lease times are the database's. */
@Injectable()
export class RunLedger {
  /** This process, as the holder of leases. */
  private readonly holder = `${hostname()}/${randomUUID()}`;

  constructor(
    private readonly dataSource: DataSource,
    private readonly connection: LeaseConnection,
    private readonly limits: RunLimits,
    private readonly encryption: Encryption,
    { runRetention }: Settings,
    sweeper: Sweeper,
  ) {
    // as long as there is a lease there may be a pod
    sweeper.add(
      'one-off runs',
      `DELETE FROM runs WHERE uuid IN (
         SELECT uuid FROM runs WHERE finished < now() - $2 * interval '1 second' AND lease_expires IS NULL
         ORDER BY finished LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      () => (runRetention === 0 ? null : [runRetention]),
    );
  }

  /** Adds a run, held by this process, in the caller's transaction. */
  async add(manager: EntityManager, facts: Pick<Run, 'appUuid' | 'ownerId' | 'release' | 'pod' | 'command'>): Promise<Run> {
    const run = manager.create(Run, {
      uuid: randomUUID(),
      ...facts,
      state: 'pending',
      exitCode: null,
      output: null,
      truncated: false,
      leaseOwner: this.holder,
      leaseExpires: null,
      created: new Date(),
      started: null,
      finished: null,
    });
    await manager.insert(Run, run);
    await manager.query(`UPDATE runs SET lease_expires = now() + $2 * interval '1 millisecond' WHERE uuid = $1`, [
      run.uuid,
      this.limits.lease,
    ]);
    return run;
  }

  /** With its owner. */
  async find(appUuid: string, uuid: string): Promise<Run | null> {
    return this.dataSource
      .createQueryBuilder(Run, 'run')
      .innerJoinAndSelect('run.owner', 'owner')
      .where('run.uuid = :uuid AND run.appUuid = :appUuid', { uuid, appUuid })
      .getOne();
  }

  /**
   * Newest first. What is long is left out, unread: a run with a long output has none, and is `truncated`; a long command is `…`.
   * @param ownerId only this user's; null: everybody's
   * @returns the runs of a page with their owners, and how many there are in all
   */
  async list(appUuid: string, ownerId: number | null, { offset, limit }: { offset: number; limit: number }): Promise<[Run[], number]> {
    const query = this.dataSource
      .createQueryBuilder(Run, 'run')
      .innerJoinAndSelect('run.owner', 'owner')
      .select(LISTED)
      .addSelect(`CASE WHEN octet_length(run.command) <= ${LISTED_BYTES} THEN run.command END`, 'listed_command')
      .addSelect(`CASE WHEN octet_length(run.output) <= ${LISTED_BYTES} THEN run.output END`, 'listed_output')
      .addSelect(`run.truncated OR coalesce(octet_length(run.output) > ${LISTED_BYTES}, false)`, 'listed_truncated')
      .where('run.appUuid = :appUuid', { appUuid })
      .orderBy('run.created', 'DESC')
      .addOrderBy('run.uuid', 'ASC')
      .offset(offset)
      .limit(limit);
    if (ownerId !== null) query.andWhere('run.ownerId = :ownerId', { ownerId });
    const count = await query.clone().getCount();
    const { raw, entities } = await query.getRawAndEntities<ListedRun>();
    return [entities.map((run, index) => Object.assign(run, this.listed(run.uuid, raw[index]))), count];
  }

  private listed(uuid: string, row: ListedRun | undefined): Pick<Run, 'command' | 'output' | 'truncated'> {
    const { listed_command: command = null, listed_output: output = null, listed_truncated: truncated = false } = row ?? {};
    return {
      command: command === null ? LEFT_OUT : this.encryption.open(command, `run.command:${uuid}`),
      output: output === null ? null : this.encryption.open(output, `run.output:${uuid}`),
      truncated,
    };
  }

  /** Holds on to runs that this process sees to. A row that a transaction has in its hands isn't waited for. */
  async renew(uuids: readonly string[]): Promise<void> {
    await this.connection.query(
      `UPDATE runs SET lease_expires = now() + $3 * interval '1 millisecond'
       WHERE uuid IN (SELECT uuid FROM runs WHERE uuid = ANY($1) AND lease_owner = $2 FOR UPDATE SKIP LOCKED)`,
      [uuids, this.holder, this.limits.lease],
    );
  }

  /** Takes over runs whose holder is gone. @returns them with their apps' ids */
  async takeOver(): Promise<(HeldRun & { app: { id: string } })[]> {
    const rows: unknown = await this.dataSource.query(
      `UPDATE runs SET lease_owner = $1, lease_expires = now() + $2 * interval '1 millisecond'
       WHERE uuid IN (SELECT uuid FROM runs WHERE lease_expires < now() ORDER BY lease_expires LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
       RETURNING uuid`,
      [this.holder, this.limits.lease],
    );
    const uuids = (rows as [{ uuid: string }[], number])[0].map(({ uuid }) => uuid);
    if (uuids.length === 0) return [];
    return this.dataSource
      .createQueryBuilder(Run, 'run')
      .innerJoin('run.app', 'app')
      .select(['run.uuid', 'run.appUuid', 'run.pod', 'run.started', 'run.finished', 'app.uuid', 'app.id'])
      .where('run.uuid IN (:...uuids)', { uuids })
      .getMany();
  }

  /** Those of these runs that are over, and whose pods are taken for gone. */
  async closed(uuids: readonly string[]): Promise<string[]> {
    const rows = await this.dataSource.query<{ uuid: string }[]>(
      'SELECT uuid FROM runs WHERE uuid = ANY($1) AND finished IS NOT NULL AND lease_expires IS NULL',
      [uuids],
    );
    return rows.map(({ uuid }) => uuid);
  }

  /** Its command runs from now on, unless it was seen running before. */
  async started({ uuid }: HeldRun): Promise<void> {
    await this.dataSource.query(
      `UPDATE runs SET state = 'running', started = now() WHERE uuid = $1 AND lease_owner = $2 AND state = 'pending'`,
      [uuid, this.holder],
    );
  }

  /**
   * Records what became of it. It stays held until its pod is gone.
   * @returns whether this process still held it; otherwise another one has recorded it, or will
   */
  async conclude({ uuid }: HeldRun, { state, exitCode, output, truncated }: RunEnding): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      const held: unknown = await manager.query(
        `UPDATE runs SET state = $3, finished = now() WHERE uuid = $1 AND lease_owner = $2 AND finished IS NULL`,
        [uuid, this.holder, state],
      );
      if ((held as [unknown, number])[1] !== 1) return false;
      await manager.update(Run, { uuid }, { uuid, exitCode, output, truncated });
      return true;
    });
  }

  /** It is over and its pod gone. */
  async close({ uuid }: HeldRun): Promise<void> {
    await this.dataSource.query('UPDATE runs SET lease_owner = NULL, lease_expires = NULL WHERE uuid = $1 AND lease_owner = $2', [
      uuid,
      this.holder,
    ]);
  }

  /** Lets whoever is next see to it, at once. */
  async release({ uuid }: HeldRun): Promise<void> {
    await this.dataSource.query(`UPDATE runs SET lease_expires = now() - interval '1 second' WHERE uuid = $1 AND lease_owner = $2`, [
      uuid,
      this.holder,
    ]);
  }

  /** Takes back a run whose pod was never made. */
  async withdraw({ uuid }: HeldRun): Promise<void> {
    await this.dataSource.query('DELETE FROM runs WHERE uuid = $1 AND lease_owner = $2', [uuid, this.holder]);
  }
}
