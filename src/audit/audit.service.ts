import { Injectable } from '@nestjs/common';
import { And, DataSource, type FindOptionsWhere, LessThan, MoreThanOrEqual } from 'typeorm';
import type { Page, Paging } from '../http/paging.ts';
import type { AuditFilter } from './audit-filter.ts';
import { AuditRow } from './audit-row.entity.ts';

/** Rows that are read at a time where all are. */
const BATCH = 500;

/** Lets people read the audit log. */
@Injectable()
export class AuditService {
  constructor(private readonly dataSource: DataSource) {}

  /** Newest first. @param filter with `appUuid`: of that app alone, not of another one that had its id */
  async list(filter: AuditFilter & { appUuid?: string }, paging: Paging): Promise<Page<AuditRow>> {
    const where = whereOf(filter);
    const { manager } = this.dataSource;
    const count = await manager.countBy(AuditRow, where);
    const rows = await manager
      .createQueryBuilder(AuditRow, 'row')
      .leftJoinAndSelect('row.seal', 'seal')
      .where(where)
      .orderBy('row.id', 'DESC')
      // `skip` and `take` would cost one statement more
      .offset(paging.offset)
      .limit(paging.limit)
      .getMany();
    return paging.page(count, rows);
  }
  /**
   * All of them, oldest first, in batches: as one snapshot of the database has them, whatever is added meanwhile. It needs no more memory
   * for many than for few.
   */
  async *all(filter: AuditFilter): AsyncGenerator<AuditRow[]> {
    const runner = this.dataSource.createQueryRunner();
    await runner.startTransaction('REPEATABLE READ');
    try {
      await runner.query('SET TRANSACTION READ ONLY');
      const where = whereOf(filter);
      for (let last = '0'; ;) {
        const rows = await runner.manager
          .createQueryBuilder(AuditRow, 'row')
          .leftJoinAndSelect('row.seal', 'seal')
          .where(where)
          .andWhere('row.id > :last', { last })
          .orderBy('row.id')
          .limit(BATCH)
          .getMany();
        if (rows.length > 0) yield rows;
        if (rows.length < BATCH) return;
        last = rows.at(-1)?.id ?? last;
      }
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  }
}

function whereOf({ since, until, ...equal }: AuditFilter & { appUuid?: string }): FindOptionsWhere<AuditRow> {
  const bounds = [...(since ? [MoreThanOrEqual(since)] : []), ...(until ? [LessThan(until)] : [])];
  return { ...equal, ...(bounds.length > 0 ? { time: And(...bounds) } : {}) };
}
