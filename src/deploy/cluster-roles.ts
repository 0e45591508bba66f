import { WATCHED } from '../kubernetes/cluster-cache.ts';
import type { ClusterRight, Verb } from '../kubernetes/cluster-right.ts';
import { SECRET, type ObjectKind } from '../kubernetes/object-kind.ts';
import type { ManifestSource } from './manifest-source.ts';

/** A rule of a Kubernetes Role or ClusterRole. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: Verb[];
}

/** What Keelson needs in its cluster, and nothing beside it. */
export interface ClusterRoles {
  /** In the whole cluster. */
  cluster: PolicyRule[];
  /** In the whole cluster too, where a project is installed whose kinds these are: by its API group. */
  optional: Record<string, PolicyRule[]>;
  /** In the namespaces of apps alone. */
  secrets: PolicyRule[];
}

/** As the rules are to be read. */
const VERBS: readonly Verb[] = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/**
 * The rights that follow from what the code does with each kind.
 * @param sources what the features want in the cluster
 * @param more what they ask for beside that
 * @param watched the kinds that are listed and watched
 */
export function clusterRoles(
  sources: readonly ManifestSource[],
  more: readonly ClusterRight[],
  watched: readonly ObjectKind[] = WATCHED,
): ClusterRoles {
  const kinds = [...new Map(sources.flatMap(({ kinds }) => kinds).map((kind) => [kind.kind, kind])).values()];
  const rights = [
    ...kinds.map((kind): ClusterRight => ({ kind, verbs: verbsOn(kind, watched) })),
    ...watched.map((kind): ClusterRight => ({ kind, verbs: ['list', 'watch'] })),
    ...more,
  ];
  const own = rights.filter(({ kind }) => kind.kind !== SECRET.kind && !kind.optional);
  const optional = rights.filter(({ kind }) => kind.optional);
  const groups = [...new Set(optional.map(({ kind }) => groupOf(kind)))].sort();
  return {
    cluster: rulesOf(own),
    optional: Object.fromEntries(groups.map((group) => [group, rulesOf(optional.filter(({ kind }) => groupOf(kind) === group))])),
    secrets: rulesOf(rights.filter(({ kind }) => kind.kind === SECRET.kind)),
  };
}

/**
 * What the engine does with objects of a declared kind: it reads and applies each (which creates what isn't there). It takes away what a watch
 * shows, what a source names as absent, and Secrets, of which it lists its own.
 */
function verbsOn(kind: ObjectKind, watched: readonly ObjectKind[]): Verb[] {
  const secret = kind.kind === SECRET.kind;
  const removed = secret || kind.optional || watched.includes(kind);
  return ['get', 'create', 'patch', ...(removed ? (['delete'] as const) : []), ...(secret ? (['list'] as const) : [])];
}

const groupOf = ({ apiVersion }: ObjectKind): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

/** One rule for each group and set of verbs. */
function rulesOf(rights: readonly ClusterRight[]): PolicyRule[] {
  const byResource = new Map<string, { group: string; resource: string; verbs: Set<Verb> }>();
  for (const { kind, subresource, verbs } of rights) {
    const group = groupOf(kind);
    const resource = subresource ? `${kind.plural}/${subresource}` : kind.plural;
    const entry = byResource.get(`${group} ${resource}`) ?? { group, resource, verbs: new Set() };
    for (const verb of verbs) entry.verbs.add(verb);
    byResource.set(`${group} ${resource}`, entry);
  }
  const rules = new Map<string, PolicyRule>();
  for (const { group, resource, verbs } of byResource.values()) {
    const sorted = VERBS.filter((verb) => verbs.has(verb));
    const key = `${group} ${sorted.join(',')}`;
    const rule = rules.get(key) ?? { apiGroups: [group], resources: [], verbs: sorted };
    rule.resources = [...rule.resources, resource].sort();
    rules.set(key, rule);
  }
  return [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}
