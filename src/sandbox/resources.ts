export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface Subresource {
  name: string;
  /** The kind that the subresource answers with, where it isn't the parent's. */
  kind?: string;
  group?: string;
  version?: string;
  verbs: Verb[];
}

/** One resource of the API: what discovery says about it, and what the store has to know. */
export interface Resource {
  plural: string;
  singular: string;
  kind: string;
  group: string;
  version: string;
  namespaced: boolean;
  shortNames: string[];
  categories: string[];
  verbs: Verb[];
  subresources: Subresource[];
  /** metadata.generation counts changes of spec. */
  generation: boolean;
  /** Status is written through its own subresource, and only there. */
  status: boolean;
}

const all: Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const status: Subresource = { name: 'status', verbs: ['get', 'patch', 'update'] };
const scale: Subresource = { name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] };

type Options = Partial<Pick<Resource, 'singular' | 'shortNames' | 'categories' | 'verbs' | 'subresources' | 'generation' | 'namespaced'>>;

function resource(apiVersion: string, plural: string, kind: string, options: Options = {}): Resource {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const subresources = options.subresources ?? [];
  return {
    plural,
    singular: kind.toLowerCase(),
    kind,
    group,
    version,
    namespaced: true,
    shortNames: [],
    categories: [],
    verbs: all,
    generation: false,
    ...options,
    subresources,
    status: subresources.some(({ name }) => name === 'status'),
  };
}

/** Everything that the sandbox serves; anything else is answered 404 or 501. */
export const resources: readonly Resource[] = [
  resource('v1', 'configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  resource('v1', 'endpoints', 'Endpoints', { shortNames: ['ep'] }),
  resource('v1', 'events', 'Event', { shortNames: ['ev'] }),
  resource('v1', 'limitranges', 'LimitRange', { shortNames: ['limits'] }),
  resource('v1', 'namespaces', 'Namespace', {
    namespaced: false,
    shortNames: ['ns'],
    verbs: all.filter((verb) => verb !== 'deletecollection'),
    subresources: [{ name: 'finalize', verbs: ['update'] }, status],
  }),
  resource('v1', 'nodes', 'Node', { namespaced: false, shortNames: ['no'], subresources: [status] }),
  resource('v1', 'pods', 'Pod', {
    shortNames: ['po'],
    categories: ['all'],
    subresources: [
      { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
      { name: 'binding', kind: 'Binding', verbs: ['create'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1beta1', verbs: ['create'] },
      { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
      { name: 'log', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
      status,
    ],
  }),
  resource('v1', 'resourcequotas', 'ResourceQuota', { shortNames: ['quota'], subresources: [status] }),
  resource('v1', 'secrets', 'Secret'),
  resource('v1', 'serviceaccounts', 'ServiceAccount', { shortNames: ['sa'] }),
  resource('v1', 'services', 'Service', {
    shortNames: ['svc'],
    categories: ['all'],
    verbs: all.filter((verb) => verb !== 'deletecollection'),
    subresources: [status],
  }),
  resource('apps/v1', 'deployments', 'Deployment', {
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: [scale, status],
    generation: true,
  }),
  resource('apps/v1', 'replicasets', 'ReplicaSet', {
    shortNames: ['rs'],
    categories: ['all'],
    subresources: [scale, status],
    generation: true,
  }),
  resource('autoscaling/v1', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', {
    shortNames: ['hpa'],
    categories: ['all'],
    subresources: [status],
  }),
  resource('networking.k8s.io/v1', 'ingresses', 'Ingress', { shortNames: ['ing'], subresources: [status], generation: true }),
  resource('networking.k8s.io/v1', 'networkpolicies', 'NetworkPolicy', { shortNames: ['netpol'], generation: true }),
  resource('rbac.authorization.k8s.io/v1', 'rolebindings', 'RoleBinding'),
];

const byPlural = new Map(resources.map((each) => [each.plural, each]));

/** The resource named by its plural. Throws for a name that is not served: a mistake in the caller's code. */
export function resourceOf(plural: string): Resource {
  const found = byPlural.get(plural);
  if (!found) throw new Error(`the sandbox has no resource ${plural}`);
  return found;
}

export const apiVersionOf = ({ group, version }: Pick<Resource, 'group' | 'version'>): string => (group ? `${group}/${version}` : version);
