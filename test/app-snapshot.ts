import { emptyConfig, type ConfigContent } from '../src/config/config-content.ts';
import type { AppSnapshot, BuildSnapshot } from '../src/deploy/snapshot.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { decode } from '../src/sandbox/schema.ts';

export const imageBuild: BuildSnapshot = {
  uuid: '00000000-0000-4000-8000-00000000000b',
  image: 'registry.example.com/demo:1',
  sha: '',
  dockerfile: '',
  procfile: { web: 'npm start', worker: 'npm run work' },
};

/** The settings that manifests depend on, at their defaults. */
export const manifestOptions = {
  builderStorage: undefined,
  minioHost: undefined,
  minioPort: undefined,
  registryLocation: 'on-cluster',
  registryHost: '127.0.0.1',
  registryPort: 5000,
  slugRunnerImage: 'drycc/slugrunner:canary',
  registrySecretPrefix: 'private-registry',
  imagePullPolicy: 'IfNotPresent',
  terminationGracePeriod: 30,
  defaultTags: {},
  deployBatches: 0,
  revisionHistoryLimit: undefined,
} as const;

export interface Given extends Partial<Omit<AppSnapshot, 'release' | 'processes'>> {
  version?: number;
  summary?: string;
  build?: Partial<BuildSnapshot> | null;
  config?: Partial<ConfigContent>;
  /** Pods by type. */
  structure?: Record<string, number>;
}

/** An app `demo` at v2 with `web` and `worker`, but for what is given. */
export function appSnapshot({
  version = 2,
  summary = 'ada deployed it',
  build = {},
  config,
  structure,
  ...given
}: Given = {}): AppSnapshot {
  return {
    uuid: '00000000-0000-4000-8000-00000000000a',
    id: 'demo',
    owner: 'ada',
    generation: 2,
    release: {
      version,
      summary,
      created: '2026-01-02T03:04:05.678Z',
      build: build && { ...imageBuild, ...build },
      config: { ...emptyConfig(), ...config },
    },
    processes: Object.entries(structure ?? { web: 2, worker: 0 })
      .sort()
      .map(([type, replicas]) => ({ type, replicas, autoscaled: false, restartedAt: null })),
    settings: { maintenance: false, routable: true, whitelist: [], autoscale: {} },
    tls: { httpsEnforced: null, certsAutoEnabled: null },
    domains: [{ host: 'demo.example.com', certificate: null }],
    certificates: [],
    services: [],
    facts: new Map(),
    matchingNodes: 3,
    installation: '00000000-0000-4000-8000-00000000000c',
    ...given,
  };
}

/** Expects that every field of a manifest is one that Kubernetes knows, in the form that it keeps it in. */
export function expectKnown(manifest: KubernetesObject): void {
  const { faults, value } = decode(manifest.kind, manifest);
  expect(faults).toEqual([]);
  expect(value).toMatchObject(manifest);
}
