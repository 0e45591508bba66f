import { loadYaml } from '@kubernetes/client-node';
import { readdirSync, readFileSync } from 'node:fs';
import { chartRoles } from '../src/chart-roles.ts';
import { chartSettings } from '../src/chart-settings.ts';
import type { ClusterRoles, PolicyRule } from '../src/deploy/cluster-roles.ts';
import { lint, template } from './helm.ts';
import { faultsOf, type Manifest, manifestsIn } from './manifest-check.ts';

/** The oldest that Keelson runs on, and the newest that the schemas at hand know. */
const VERSIONS = ['1.20.0', '1.35.0'];

const external = { database: { existingSecret: 'postgres' } };
const bundled = { database: { bundled: true } };
const monitoring = {
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  rules: { enabled: true },
  dashboard: { enabled: true },
};

const MATRIX: Record<string, object> = {
  'the bundled database': bundled,
  'an external database': external,
  'a role that owns the tables': { database: { existingSecret: 'postgres', urlKey: 'url', migrationUrlKey: 'owner-url' } },
  'keys of one’s own': { ...external, keys: { existingSecret: 'keys' }, settingsSecret: 'more' },
  'one replica': { ...bundled, replicas: 1 },
  'three replicas, placed': {
    ...external,
    replicas: 3,
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'platform', operator: 'Exists' }],
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
    priorityClassName: 'system-cluster-critical',
    podAnnotations: { 'example.com/team': 'platform' },
    image: { repository: 'example.com/keelson', digest: `sha256:${'0'.repeat(64)}`, pullSecrets: ['registry'] },
  },
  'settings of every form': {
    ...external,
    settings: {
      REQUEST_WAIT: 86400,
      DRYCC_DEPLOY_PROCFILE_MISSING_REMOVE: false,
      DRYCC_PLATFORM_DOMAIN: 'apps.example.com',
      RESERVED_NAMES: ['www', 'mail'],
      KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: { hard: { pods: '20' } },
    },
  },
  'ingress-nginx': { ...external, ingress: { enabled: true, host: 'keelson.example.com', className: 'nginx', tlsSecret: 'tls' } },
  traefik: {
    ...external,
    ingress: { enabled: true, controller: 'traefik', host: 'keelson.example.com' },
    settings: { INGRESS_ANNOTATIONS: 'traefik' },
  },
  'network policies': {
    ...bundled,
    networkPolicy: {
      enabled: true,
      from: [{ namespaceSelector: { matchLabels: { name: 'ingress' } } }],
      egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
    },
  },
  'everything else': {
    ...bundled,
    monitoring,
    migration: { beforeUpgrade: false },
    rights: { certManager: false },
    networkPolicy: { enabled: true },
  },
};

interface Container {
  name: string;
  image: string;
  command: string[];
  env?: { name: string; value?: string; valueFrom?: object }[];
  envFrom?: { secretRef?: { name: string; optional?: boolean }; configMapRef?: object }[];
  securityContext: object;
}

interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  securityContext: object;
}

function rendered(values: object, version = '1.35.0', release?: string): Manifest[] {
  const { status, output, words } = template(values, version, release);
  expect([status, words]).toEqual([0, '']);
  return manifestsIn(output);
}

function one(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name));
  expect(found.map(({ metadata }) => metadata.name)).toHaveLength(1);
  return found[0] as Manifest;
}

const podOf = ({ spec }: Manifest): PodSpec => (spec as { template: { spec: PodSpec } }).template.spec;

const podsIn = (manifests: readonly Manifest[]): PodSpec[] =>
  manifests.filter(({ kind }) => ['Deployment', 'StatefulSet', 'Job'].includes(kind)).map(podOf);

describe.each(Object.entries(MATRIX))('with %s', (_, values) => {
  it('is without fault to lint', () => {
    const { status, output, words } = lint(values);
    expect([status, words, /\[(WARNING|ERROR)\].*/.exec(output)]).toEqual([0, '', null]);
  });

  it.each(VERSIONS)('makes what Kubernetes %s takes', (version) => {
    const manifests = rendered(values, version);
    expect(manifests.length).toBeGreaterThan(6);
    expect(manifests.flatMap(faultsOf)).toEqual([]);
    const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ apiVersion }) => apiVersion);
    expect(budgets).toEqual('replicas' in values && values.replicas === 1 ? [] : [version === '1.20.0' ? 'policy/v1beta1' : 'policy/v1']);
  });

  it('has the name of the release on every object, and never twice', () => {
    const keys = rendered(values).map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`);
    expect(keys.filter((key) => !/ demo-keelson(-|$)/.test(key))).toEqual([]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(rendered(values, '1.35.0', 'keelson-a').every(({ metadata }) => metadata.name.startsWith('keelson-a'))).toBe(true);
  });

  it('has no Secret and no secret: what is one is only named', () => {
    const manifests = rendered(values);
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    for (const { containers, initContainers = [] } of podsIn(manifests)) {
      for (const { name, value } of [...containers, ...initContainers].flatMap(({ env = [] }) => env)) {
        // an address may have the password in it only as the name of a variable
        if (/KEY|PASSWORD|TOKEN|URL/.test(name) && name !== 'KEELSON_KEYS_SECRET') {
          expect(value ?? '').toMatch(/^(postgresql:\/\/keelson:\$\(DATABASE_PASSWORD\)@demo-keelson-postgresql:5432\/keelson)?$/);
        }
      }
    }
    // and the same again: nothing is drawn by lot
    expect(template(values, '1.35.0').output).toBe(template(values, '1.35.0').output);
  });

  it('runs no container that could become root, write its own files or keep a capability', () => {
    for (const { securityContext, containers, initContainers = [] } of podsIn(rendered(values))) {
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of [...containers, ...initContainers]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          privileged: false,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });
});

describe('the rights', () => {
  const file = readFileSync('helm/files/roles.yaml', 'utf8');
  const roles = loadYaml<ClusterRoles>(file);
  const rulesOf = (manifest: Manifest): PolicyRule[] => (manifest as unknown as { rules: PolicyRule[] }).rules;
  const bind = (role: string): object => ({
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['clusterroles'],
    resourceNames: [role],
    verbs: ['bind'],
  });

  it('are those that the modules declare (else: npm run chart:roles)', async () => {
    expect(file).toBe(await chartRoles());
  });

  it('are granted in full, and nothing beside them', () => {
    const manifests = rendered({ ...external, settings: { INGRESS_ANNOTATIONS: 'traefik' } });
    const optional = Object.values(roles.optional).flat();
    expect(rulesOf(one(manifests, 'ClusterRole', 'demo-keelson'))).toEqual([
      ...roles.cluster,
      ...optional,
      bind('demo-keelson-app-secrets'),
    ]);
    expect(rulesOf(one(manifests, 'ClusterRole', 'demo-keelson-app-secrets'))).toEqual(roles.secrets);
    const fewer = rendered({ ...external, rights: { certManager: false } });
    expect(rulesOf(one(fewer, 'ClusterRole', 'demo-keelson'))).toEqual([...roles.cluster, bind('demo-keelson-app-secrets')]);
  });

  it('to Secrets are bound nowhere by the chart, but to read and make its own by name', () => {
    const manifests = rendered(bundled);
    expect(one(manifests, 'ClusterRoleBinding').roleRef).toMatchObject({ name: 'demo-keelson' });
    expect(roles.cluster.flatMap(({ resources }) => resources)).not.toContain('secrets');
    expect(rulesOf(one(manifests, 'Role'))).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['demo-keelson-keys', 'demo-keelson-database'], verbs: ['get'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
    ]);
    const given = rendered({ ...external, keys: { existingSecret: 'keys' } });
    expect(given.filter(({ kind }) => kind === 'Role' || kind === 'RoleBinding')).toEqual([]);
  });
});

describe('the pods', () => {
  const containersOf = (values: object): { serve: Container; migrate: Container; job: Container } => {
    const manifests = rendered(values);
    const pod = podOf(one(manifests, 'Deployment'));
    const migrate = pod.initContainers?.find(({ name }) => name === 'migrate');
    return {
      serve: pod.containers[0] as Container,
      migrate: migrate as Container,
      job: podOf(one(manifests, 'Job')).containers[0] as Container,
    };
  };
  const envOf = ({ env = [] }: Container): Record<string, unknown> =>
    Object.fromEntries(env.map(({ name, ...rest }) => [name, rest.value ?? rest.valueFrom]));

  it('migrate before they serve, and alike before an upgrade', () => {
    const { migrate, job, serve } = containersOf(external);
    expect(job).toEqual(migrate);
    expect(migrate.image).toBe(serve.image);
    expect(one(rendered(external), 'Job').metadata.annotations?.['helm.sh/hook']).toBe('pre-upgrade');
    expect(envOf(serve)).toMatchObject({ MIGRATE_ON_START: 'false' });
  });

  it('know who and where they are', () => {
    const { serve, migrate } = containersOf(external);
    for (const container of [serve, migrate]) {
      expect(envOf(container)).toMatchObject({
        KEELSON_NAMESPACE: { fieldRef: { fieldPath: 'metadata.namespace' } },
        KEELSON_SERVICE_ACCOUNT: { fieldRef: { fieldPath: 'spec.serviceAccountName' } },
        KEELSON_SECRETS_ROLE: 'demo-keelson-app-secrets',
        KEELSON_KEYS_SECRET: 'demo-keelson-keys',
        DATABASE_URL: { secretKeyRef: { name: 'postgres', key: 'DATABASE_URL' } },
      });
    }
  });

  it('have their keys from the Secret that the migration makes, or from the one that is named', () => {
    const made = containersOf(external);
    expect(made.serve.envFrom).toContainEqual({ secretRef: { name: 'demo-keelson-keys' } });
    expect(made.migrate.envFrom).toContainEqual({ secretRef: { name: 'demo-keelson-keys', optional: true } });
    const given = containersOf({ ...external, keys: { existingSecret: 'keys' } });
    expect(given.serve.envFrom).toContainEqual({ secretRef: { name: 'keys' } });
    expect(envOf(given.migrate)).not.toHaveProperty('KEELSON_KEYS_SECRET');
  });

  it('that serve don’t have the address of the role that owns the tables', () => {
    const { serve, migrate } = containersOf({ database: { existingSecret: 'postgres', migrationUrlKey: 'owner' } });
    expect(envOf(migrate)).toMatchObject({ MIGRATION_DATABASE_URL: { secretKeyRef: { name: 'postgres', key: 'owner' } } });
    expect(envOf(serve)).not.toHaveProperty('MIGRATION_DATABASE_URL');
  });

  it('are replaced one by one, none before the next is ready, and have longer than the drain to end', () => {
    const { spec } = one(rendered(external), 'Deployment') as unknown as { spec: Record<string, unknown> };
    expect(spec).toMatchObject({
      replicas: 2,
      strategy: { rollingUpdate: { maxUnavailable: 0 } },
      template: { spec: { terminationGracePeriodSeconds: 60 } },
    });
    // what is left is for what Keelson does after the drain
    const wait = podOf(one(rendered(external), 'Deployment')).containers[0]?.env?.find(({ name }) => name === 'SHUTDOWN_WAIT');
    expect(wait).toEqual({ name: 'SHUTDOWN_WAIT', value: '35' });
  });

  it('start anew when a setting changes', () => {
    const checksum = (values: object): unknown =>
      (one(rendered(values), 'Deployment') as unknown as { spec: { template: Manifest } }).spec.template.metadata.annotations?.[
        'checksum/settings'
      ];
    expect(checksum(external)).not.toBe(checksum({ ...external, settings: { LOG_LEVEL: 'debug' } }));
  });

  it('get settings in the words of docs/configure.md', () => {
    expect(one(rendered(MATRIX['settings of every form'] ?? {}), 'ConfigMap', 'demo-keelson').data).toEqual({
      REQUEST_WAIT: '86400',
      DRYCC_DEPLOY_PROCFILE_MISSING_REMOVE: 'false',
      DRYCC_PLATFORM_DOMAIN: 'apps.example.com',
      RESERVED_NAMES: 'www,mail',
      KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC: '{"hard":{"pods":"20"}}',
    });
  });
});

describe('the Ingress', () => {
  const ingress = (values: object): Manifest => one(rendered({ ...external, ...values }), 'Ingress');
  const at = { enabled: true, host: 'keelson.example.com' };

  it.each([
    [undefined, 1260],
    [0, 60],
    [3600, 3660],
  ])('waits longer than a request may (REQUEST_WAIT %s)', (wait, seconds) => {
    const { annotations } = ingress({ ingress: at, settings: wait === undefined ? {} : { REQUEST_WAIT: wait } }).metadata;
    expect(annotations?.['nginx.ingress.kubernetes.io/proxy-read-timeout']).toBe(String(seconds));
  });

  it('leads neither to the metrics nor to the probes', () => {
    const { rules } = ingress({ ingress: at }).spec as { rules: { http: { paths: { path: string }[] } }[] };
    expect(rules.flatMap(({ http }) => http.paths).map(({ path }) => path)).toEqual(['/v2', '/saltshaker', '/docs', '/openapi.json']);
  });

  it('takes annotations, which come before its own', () => {
    const name = 'nginx.ingress.kubernetes.io/proxy-body-size';
    expect(ingress({ ingress: { ...at, annotations: { [name]: '8m' } } }).metadata.annotations?.[name]).toBe('8m');
  });
});

describe('Keelson’s own host name', () => {
  const reserved = (values: object): unknown =>
    (one(rendered({ ...external, ...values }), 'ConfigMap', 'demo-keelson').data as Record<string, string>).RESERVED_DOMAINS;
  const ingress = { enabled: true, host: 'keelson.example.com' };

  it.each<[object, string | undefined]>([
    [{}, undefined],
    [{ settings: { RESERVED_DOMAINS: ['grafana.example.com'] } }, 'grafana.example.com'],
    [{ ingress }, 'keelson.example.com'],
    [{ ingress, settings: { RESERVED_DOMAINS: ['grafana.example.com'] } }, 'grafana.example.com,keelson.example.com'],
    [{ ingress, settings: { RESERVED_DOMAINS: 'a.example.com,keelson.example.com' } }, 'a.example.com,keelson.example.com'],
  ])('can be no app’s (%j)', (values, domains) => {
    expect(reserved(values)).toBe(domains);
  });
});

describe('what is wrong is refused with words', () => {
  it.each<[object, string]>([
    [{}, 'Say where the database is'],
    [{ database: { bundled: true, existingSecret: 'postgres' } }, 'not both'],
    [{ database: { bundled: true, migrationUrlKey: 'owner' } }, 'database.migrationUrlKey'],
    [{ ...external, ingress: { enabled: true } }, 'needs ingress.host'],
    [{ ...external, replicaCount: 3 }, 'replicaCount'],
    [{ ...external, replicas: 0 }, 'replicas'],
    [{ ...external, replicas: 'two' }, 'replicas'],
    [{ ...external, image: { pullPolicy: 'Sometimes' } }, 'pullPolicy'],
    [{ ...external, settings: { LOG_LEVLE: 'debug' } }, 'LOG_LEVLE'],
    [{ ...external, settings: { ENCRYPTION_KEYS: 'k1:AAAA' } }, 'ENCRYPTION_KEYS'],
    [{ ...external, settings: { DATABASE_URL: 'postgresql://db/keelson' } }, 'DATABASE_URL'],
    [{ ...external, settings: { PORT: 80 } }, 'PORT'],
    [{ ...external, terminationGracePeriodSeconds: 5 }, 'terminationGracePeriodSeconds'],
    [{ ...external, ingress: { controller: 'haproxy' } }, 'controller'],
    [{ ...external, ingress: { enabled: true, host: 'Not a host' } }, 'host'],
    [{ ...bundled, postgresql: { storage: 'much' } }, 'storage'],
  ])('%j', (values, words) => {
    const said = template(values, '1.35.0');
    expect(said.status).not.toBe(0);
    expect(said.words).toContain(words);
  });
});

it('has the version of package.json', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const chart = loadYaml<{ version: string; appVersion: string }>(readFileSync('helm/Chart.yaml', 'utf8'));
  expect([chart.version, chart.appVersion]).toEqual([version, version]);
  expect(readFileSync('Dockerfile', 'utf8')).toContain(`ARG VERSION=${version}\n`);
});

it('takes the settings that there are, but for secrets and its own (else: npm run chart:settings)', () => {
  const schema = JSON.parse(readFileSync('helm/values.schema.json', 'utf8')) as { properties: { settings: { properties: object } } };
  expect(Object.keys(schema.properties.settings.properties)).toEqual(chartSettings());
});

it('alerts on, and shows, metrics that there are', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((path) => /(?<!\.spec)\.ts$/.test(path));
  const made = new Set(
    sources.flatMap((path) => [...readFileSync(`src/${path}`, 'utf8').matchAll(/name: '(keelson_\w+)'/g)].map(([, name]) => name)),
  );
  const used = ['alerts.yaml', 'dashboard.json'].flatMap(
    (file) => readFileSync(`helm/files/${file}`, 'utf8').match(/keelson_[a-z_]+/g) ?? [],
  );
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter((name) => !made.has(name.replace(/_(bucket|count|sum)$/, '')))).toEqual([]);
});

it('alerts on this release alone', () => {
  const { spec } = one(rendered({ ...bundled, monitoring }), 'PrometheusRule') as unknown as {
    spec: { groups: { rules: { alert: string; expr: string; annotations: object }[] }[] };
  };
  const rules = spec.groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(5);
  for (const { expr } of rules) {
    const selectors = expr.match(/\{[^}]*\}/g) ?? [];
    expect(selectors.length).toBeGreaterThan(0);
    expect(selectors.filter((selector) => !selector.startsWith('{namespace="platform",service="demo-keelson"'))).toEqual([]);
  }
});
