import { createHmac, randomBytes } from 'node:crypto';
import { ownerOf } from '../deploy/field-owners.ts';
import type { Difference } from '../deploy/differs.ts';
import { mask } from '../deploy/mask.ts';
import { isObject } from '../deploy/field-path.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { SECRET } from '../kubernetes/object-kind.ts';

/** A field that isn't as wanted. Values are as people may see them. */
export interface DriftField {
  path: string;
  /** Null: it shall not be there. */
  wanted: unknown;
  /** Null: it isn't there. */
  found: unknown;
  /** Who set it so and when, RFC 3339; null where Kubernetes doesn't record it. */
  manager: string | null;
  when: string | null;
}

/** An object that isn't as wanted. */
export interface DriftObject {
  kind: string;
  name: string;
  fields: DriftField[];
  /** It isn't there at all. */
  missing: boolean;
}

/** Makes the hashes of secrets useless for guessing them; they are only to be compared with each other, in one report. */
const salt = randomBytes(32);

export const missingObject = ({ kind, metadata }: KubernetesObject): DriftObject => ({
  kind,
  name: metadata.name,
  fields: [],
  missing: true,
});

/** @param config values that are not to be shown */
export function driftObject(live: KubernetesObject, differences: readonly Difference[], config: Record<string, string>): DriftObject {
  const { managedFields = [], name } = live.metadata;
  const fields = differences.map(({ path, steps, wanted, found }): DriftField => {
    const owner = ownerOf(managedFields, live, steps);
    const [first] = steps;
    const hashed = live.kind === SECRET.kind && first && 'field' in first && /^(data|stringData)$/.test(first.field);
    const shown = (value: unknown): unknown => (hashed ? eachText(value, hashOf) : eachText(value, (text) => mask(text, config)));
    return {
      path,
      wanted: shown(wanted),
      found: shown(found),
      manager: owner?.manager ?? null,
      when: owner?.time ? new Date(owner.time).toISOString() : null,
    };
  });
  return { kind: live.kind, name, fields, missing: false };
}

/** One that shall not be there, or is on its way out. @param field what says so */
export function wrongObject(live: KubernetesObject, field: 'name' | 'deletionTimestamp'): DriftObject {
  const { managedFields = [], name, creationTimestamp, deletionTimestamp } = live.metadata;
  const times = managedFields.filter(({ operation }) => operation === 'Apply' || operation === 'Update');
  const first = times.sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1))[0];
  const when = field === 'name' ? creationTimestamp : deletionTimestamp;
  return {
    kind: live.kind,
    name,
    fields: [
      {
        path: `metadata.${field}`,
        wanted: null,
        found: field === 'name' ? name : new Date(deletionTimestamp ?? 0).toISOString(),
        manager: field === 'name' ? (first?.manager ?? null) : null,
        when: when ? new Date(when).toISOString() : null,
      },
    ],
    missing: false,
  };
}

const hashOf = (text: string): string => `sha256:${createHmac('sha256', salt).update(text).digest('hex').slice(0, 16)}`;

/** The same value with each text in it made another; null for what isn't there. */
function eachText(value: unknown, made: (text: string) => string): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return made(value);
  if (Array.isArray(value)) return value.map((item) => eachText(item, made));
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, eachText(item, made)])) : value;
}
