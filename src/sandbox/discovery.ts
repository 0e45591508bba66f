import { apiVersionOf, resources, type Resource } from './resources.ts';

/** Kubernetes' API as of this version is what the sandbox is held against. */
export const version = {
  major: '1',
  minor: '20',
  gitVersion: 'v1.20.2+sandbox',
  gitCommit: 'sandbox',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'sandbox',
};

const groups = [...new Set(resources.filter(({ group }) => group).map(({ group }) => group))];

const inVersion = (apiVersion: string): Resource[] => resources.filter((resource) => apiVersionOf(resource) === apiVersion);

function apiGroup(name: string): object {
  const versions = [...new Set(resources.filter(({ group }) => group === name).map((resource) => resource.version))];
  const served = versions.map((each) => ({ groupVersion: `${name}/${each}`, version: each }));
  return { name, versions: served, preferredVersion: served[0] };
}

function resourceList(apiVersion: string): object {
  const entries = inVersion(apiVersion).flatMap(({ plural, namespaced, kind, verbs, shortNames, categories, subresources }) => [
    {
      name: plural,
      singularName: '',
      namespaced,
      kind,
      verbs,
      ...(shortNames.length ? { shortNames } : {}),
      ...(categories.length ? { categories } : {}),
    },
    ...subresources.map((sub) => ({
      name: `${plural}/${sub.name}`,
      singularName: '',
      namespaced,
      ...(sub.group ? { group: sub.group, version: sub.version } : {}),
      kind: sub.kind ?? kind,
      verbs: sub.verbs,
    })),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: entries };
}

/** The discovery document at a path, undefined where there is none. `address` is host and port, as clients reach it. */
export function discoveryDocument(path: string, address: string): object | undefined {
  switch (path) {
    case '/version':
      return version;
    case '/api':
      return {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
      };
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) };
    case '/api/v1':
      return resourceList('v1');
  }
  const [, group, of] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (!group || !groups.includes(group)) return undefined;
  if (of === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) };
  return inVersion(`${group}/${of}`).length ? resourceList(`${group}/${of}`) : undefined;
}
