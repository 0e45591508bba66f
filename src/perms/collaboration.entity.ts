import { Entity, PrimaryColumn } from 'typeorm';

/** The explicit grant of an app to a user who is not its owner. */
@Entity('collaborations')
export class Collaboration {
  @PrimaryColumn('uuid', { name: 'app_uuid' })
  appUuid!: string;

  @PrimaryColumn('integer', { name: 'user_id' })
  userId!: number;
}
