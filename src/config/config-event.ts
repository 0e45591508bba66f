import type { EventData } from '../events/event-data.ts';
import { configFields } from './config-fields.ts';

/** What one side of a change of config holds of what the change touched, by field; see `auditedConfigs`. */
type Touched = Record<string, object>;

/** What readers of the app's events are told of a change of config: names alone, never values. */
export function toldConfig(by: string, release: number, { before, after }: { before: Touched; after: Touched }): EventData['config'] {
  const { values } = configFields;
  const [had, has] = [Object.keys(before[values] ?? {}), Object.keys(after[values] ?? {})];
  const fields = Object.values(configFields).filter((field) => field !== values && (field in before || field in after));
  return { by, release, set: has.sort(), unset: had.filter((name) => !has.includes(name)).sort(), changed: fields };
}
