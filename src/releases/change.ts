import type { ConfigPatch } from '../config/config-content.ts';

/** What a release changes relative to the head it was committed on. */
export type Change =
  | { kind: 'create' }
  | { kind: 'config'; patch: ConfigPatch }
  /** `procfile` as it was sent, before any policy filled it in. */
  | { kind: 'build'; build: string; procfile: Record<string, string> }
  | { kind: 'rollback'; version: number };
