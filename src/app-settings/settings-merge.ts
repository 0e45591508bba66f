import { isDeepStrictEqual } from 'node:util';
import { Conflict, InvalidFields, Unprocessable } from '../http/errors.ts';
import { lengthFaults } from './addresses.ts';
import type { AppSettings, Autoscale } from './app-settings.entity.ts';

/** What a row of settings says. */
export type SettingsContent = Pick<AppSettings, 'maintenance' | 'routable' | 'whitelist' | 'autoscale' | 'label'>;

/** A change of settings: absent fields stay, and so do absent keys of maps; null takes a key away. */
export interface SettingsPatch {
  maintenance?: boolean;
  routable?: boolean;
  /** Takes the place of the list there was. */
  whitelist?: string[];
  autoscale?: Record<string, Autoscale | null>;
  label?: Record<string, string | null>;
}

const MAX_LABEL_BYTES = 64 * 1024;
const MAX_RULES = 100;

const changedNothing = (username: string): Conflict => new Conflict(`${username} changed nothing`);

/**
 * Settings with a patch applied.
 * @throws Unprocessable for a null key that isn't there, Conflict when nothing would change, InvalidFields when it gets too much
 * @param username of who asks
 */
export function mergeSettings(base: SettingsContent, patch: SettingsPatch, username: string): SettingsContent {
  const merged: SettingsContent = {
    maintenance: patch.maintenance ?? base.maintenance,
    routable: patch.routable ?? base.routable,
    whitelist: patch.whitelist ? [...new Set(patch.whitelist)] : base.whitelist,
    autoscale: mergeMap('autoscale', base.autoscale, patch.autoscale),
    label: mergeMap('label', base.label, patch.label),
  };
  if (changedFields(base, merged).length === 0) throw changedNothing(username);
  if (Buffer.byteLength(JSON.stringify(merged.label)) > MAX_LABEL_BYTES) {
    throw new InvalidFields({ label: [`Labels can have at most ${String(MAX_LABEL_BYTES)} bytes together`] });
  }
  if (Object.keys(merged.autoscale).length > MAX_RULES) {
    throw new InvalidFields({ autoscale: [`At most ${String(MAX_RULES)} process types can be autoscaled`] });
  }
  return merged;
}

/** The whitelist with addresses added at its end. @throws Conflict when all of them are there, InvalidFields when it gets too long */
export function addAddresses(whitelist: readonly string[], addresses: readonly string[], username: string): string[] {
  const union = [...new Set([...whitelist, ...addresses])];
  if (union.length === whitelist.length) throw changedNothing(username);
  const faults = lengthFaults(union);
  if (faults.length > 0) throw new InvalidFields({ addresses: faults });
  return union;
}

/** The whitelist without these addresses. @throws Unprocessable naming those that it doesn't have, Conflict when none are named */
export function removeAddresses(whitelist: readonly string[], addresses: readonly string[], username: string): string[] {
  const gone = new Set(addresses);
  if (gone.size === 0) throw changedNothing(username);
  const missing = [...gone].filter((address) => !whitelist.includes(address));
  if (missing.length > 0)
    throw new Unprocessable(`addresses {${missing.map((address) => `'${address}'`).join(', ')}} does not exist in whitelist`);
  return whitelist.filter((address) => !gone.has(address));
}

/**
 * What a change is to the cluster: nothing where only labels differ; a roll-out where the pods do, whose default probe depends on
 * whether requests can come in; else a matter of routing. A copy of settings that the cluster may still refuse is shown to it too.
 */
export function workOf(before: SettingsContent & { settled: boolean }, after: SettingsContent): 'routing' | 'deploy' | null {
  const changed = changedFields(before, after);
  if (changed.includes('routable')) return 'deploy';
  return before.settled && changed.every((field) => field === 'label') ? null : 'routing';
}

/** The fields in which two rows differ. */
export function changedFields(before: SettingsContent, after: SettingsContent): (keyof SettingsContent)[] {
  const [a, b] = [contentOf(before), contentOf(after)];
  return (Object.keys(a) as (keyof SettingsContent)[]).filter((field) => !isDeepStrictEqual(a[field], b[field]));
}

function mergeMap<T>(field: string, base: Record<string, T>, patch: Record<string, T | null> = {}): Record<string, T> {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null) merged.set(key, value);
    else if (!merged.delete(key)) throw new Unprocessable(`${key} does not exist under ${field}`);
  }
  return Object.fromEntries([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a row says, without who made it and when. */
export function contentOf({ maintenance, routable, whitelist, autoscale, label }: SettingsContent): SettingsContent {
  return { maintenance, routable, whitelist, autoscale, label };
}
