import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { APPLIED, KEELSON, RESTARTED_AT, ROUTABLE } from '../kubernetes/labels.ts';
import { DEPLOYMENT } from '../kubernetes/object-kind.ts';
import { differences, type Difference } from './differs.ts';
import { applied, isWithin, ownerOf, owns } from './field-owners.ts';
import { valueAt, type Step } from './field-path.ts';

const path = (...fields: string[]): Step[] => fields.map((field) => ({ field }));

const TEMPLATE = path('spec', 'template');
const HASH = path('metadata', 'annotations', APPLIED);
/** All of what people ask for that decides about an app's pods: the release, the last restart, whether requests come in. */
const ASKED = [
  path('spec', 'template', 'metadata', 'labels', 'version'),
  path('spec', 'template', 'metadata', 'annotations', RESTARTED_AT),
  path('metadata', 'annotations', ROUTABLE),
];

/**
 * Whether a live Deployment is what an older Keelson, or this one with other settings, made of the same facts, and has other pods than are
 * wanted now. To send what is wanted would replace them.
 */
export function isOutdated(desired: KubernetesObject, live: KubernetesObject): boolean {
  if (desired.kind !== DEPLOYMENT.kind) return false;
  const hash = valueAt(live, HASH);
  const ours = applied(live.metadata.managedFields ?? []);
  if (hash === undefined || hash === valueAt(desired, HASH) || !owns(ours, live, HASH)) return false;
  // an older Keelson didn't say whether requests come in
  const facts = live.metadata.annotations?.[ROUTABLE] === undefined ? ASKED.slice(0, -1) : ASKED;
  if (facts.some((steps) => valueAt(desired, steps) !== valueAt(live, steps))) return false;
  const { apiVersion, kind, metadata } = desired;
  const template = valueAt(desired, TEMPLATE);
  const changed = differences({ apiVersion, kind, metadata: { name: metadata.name }, spec: { template } }, live).length > 0;
  return changed || !isWithin(ours['f:spec']?.['f:template'] ?? {}, template);
}

/**
 * The fields in which a live object isn't as wanted and which are to be set right without anybody's asking: of a Deployment that is only
 * outdated, those that somebody else has set, and the replicas.
 * @param complete whether `live` tells of all managers' fields, or of Keelson's own alone: then whatever isn't Keelson's is taken for
 * somebody else's
 */
export function drifted(desired: KubernetesObject, live: KubernetesObject, complete: boolean): Difference[] {
  const found = differences(desired, live);
  if (!isOutdated(desired, live)) return found;
  return found.filter(({ path, steps, found: is }) => path === 'spec.replicas' || (is !== undefined && isOthers(live, steps, complete)));
}

function isOthers(live: KubernetesObject, steps: readonly Step[], complete: boolean): boolean {
  const { managedFields = [] } = live.metadata;
  if (owns(applied(managedFields), live, steps)) return false;
  const owner = ownerOf(managedFields, live, steps);
  return owner ? owner.manager !== KEELSON : !complete;
}
