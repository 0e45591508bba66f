import { Column, Entity, JoinColumn, ManyToOne, OneToMany, PrimaryColumn, VirtualColumn, type Relation } from 'typeorm';
import { counter } from '../database/counter.ts';
import { User } from '../users/user.entity.ts';
import { ProcessType } from './process-type.entity.ts';

/** SQL: how many pods of each process type an app shall have. @param app alias of its table */
export const structureOf = (app: string): string =>
  `(SELECT coalesce(json_object_agg(type, count ORDER BY type), '{}') FROM process_types WHERE app_uuid = ${app}.uuid)`;

/** An app: the platform's unit of deployment, one Kubernetes namespace of the same name. */
@Entity('apps')
export class App {
  @PrimaryColumn('uuid')
  uuid!: string;

  /** The name that people and URLs use; also the namespace. */
  @Column('text', { unique: true })
  id!: string;

  @ManyToOne(() => User)
  @JoinColumn({ name: 'owner_id' })
  owner!: Relation<User>;

  @Column('integer', { name: 'owner_id' })
  ownerId!: number;

  /** Rises with every committed change of what the cluster shall show. */
  @Column('bigint', { transformer: counter, default: 1 })
  generation!: number;

  /** Up to which generation the cluster was brought. */
  @Column('bigint', { name: 'shown_generation', transformer: counter, default: 0 })
  shownGeneration!: number;

  /** Whether its namespace was made once. Until then a refusal by the cluster takes the app's rows away again. */
  @Column('boolean', { default: false })
  provisioned!: boolean;

  /** Since when it is being destroyed; null for an app that lives. */
  @Column('timestamptz', { nullable: true })
  destroying!: Date | null;

  /** The highest resourceVersion of a pod that an answered request has seen: reads from an older cache wait. */
  @Column('text', { name: 'pod_resource_version', nullable: true })
  podResourceVersion!: string | null;

  /** How many pods of each process type it shall have, as the database has it. */
  @VirtualColumn('json', { query: structureOf })
  structure!: Record<string, number>;

  @OneToMany(() => ProcessType, (type) => type.app)
  processTypes!: Relation<ProcessType[]>;

  @Column('timestamptz', { default: () => 'now()' })
  created!: Date;

  @Column('timestamptz', { default: () => 'now()' })
  updated!: Date;
}
