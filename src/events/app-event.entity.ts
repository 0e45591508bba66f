import { Column, Entity, PrimaryColumn } from 'typeorm';
import { counter } from '../database/counter.ts';
import { Sealed } from '../database/sealed.decorator.ts';
import type { EventData, EventName } from './event-data.ts';

/** Something that happened to an app. */
@Entity('app_events')
export class AppEvent {
  @PrimaryColumn('uuid')
  uuid!: string;

  @Column('uuid', { name: 'app_uuid' })
  appUuid!: string;

  /** Rises by app, without gaps; the database draws it as the transaction commits. */
  @Column({ type: 'bigint', transformer: counter, insert: false, update: false })
  id!: number;

  @Column('text')
  event!: EventName;

  /** As `EventData` has it for the event. */
  @Sealed('app_event.data', { json: true })
  @Column('text')
  data!: EventData[EventName];

  @Column({ type: 'timestamptz', insert: false, update: false })
  at!: Date;
}
