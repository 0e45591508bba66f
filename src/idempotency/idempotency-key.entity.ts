import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Sealed } from '../database/sealed.decorator.ts';

/** What a request was answered, as it is sent again. */
export interface KeptAnswer {
  headers: Record<string, string>;
  body: string;
}

/** A request that was sent with an `Idempotency-Key`. It is written in the transaction of its mutation, so both are there, or neither. */
@Entity('idempotency_keys')
export class IdempotencyKey {
  /** Drawn by the request that took the key. */
  @PrimaryColumn('uuid')
  uuid!: string;

  /** The user who called; null: the builder. */
  @Column('integer', { name: 'owner_id', nullable: true })
  ownerId!: number | null;

  @Column('text')
  key!: string;

  /** Hash of what was asked. Sealed, because it could tell a short secret by trial. */
  @Sealed('idempotency.request')
  @Column('text')
  request!: string;

  /** What the mutation gave to the rest of its handler, which goes on from it in a repeated request: as `value`, made by `toJson`; null: it can't go on. */
  @Sealed('idempotency.remembered', { json: true })
  @Column('text', { nullable: true })
  remembered!: object | null;

  /** Of the answer; null as long as there is none. 202 is not the last. */
  @Column('integer', { nullable: true })
  status!: number | null;

  @Sealed('idempotency.answer', { json: true })
  @Column('text', { nullable: true })
  answer!: KeptAnswer | null;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;
}
