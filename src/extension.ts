import type { Type } from '@nestjs/common';
import type { MigrationInterface } from 'typeorm';
import type { ManifestSource } from './deploy/manifest-source.ts';
import type { ObjectKind } from './kubernetes/object-kind.ts';

/** What a team adds to Keelson from outside of it, as classes. docs/extending.md shows how, examples/contacts a whole one. */
export interface Extension {
  /** With its controllers and services. What the global modules export can be injected: the `DataSource`, `Changes`, `Submissions` … */
  modules: readonly Type[];
  /** Its tables. Those of Keelson have plain names: give these a prefix of their own. */
  entities: readonly Type[];
  /** They run with those of Keelson. Their names end with a time in milliseconds, and are never used again. */
  migrations: readonly Type<MigrationInterface>[];
  /** What it wants in the cluster. */
  manifests: readonly Type<ManifestSource>[];
  /** Kinds of its manifests that Keelson itself makes none of. They are watched, so that they are pruned and healed. Never Secrets. */
  kinds: readonly ObjectKind[];
}
