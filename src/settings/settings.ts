import { accessSync, constants, existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { keptSecrets, type KeptSecrets } from './data-dir.ts';
import { weaknessOf } from './secret-strength.ts';
import {
  anyText,
  duration,
  encryptionKeys,
  firstPassword,
  flag,
  hostName,
  hostNames,
  jsonLabels,
  jsonObject,
  list,
  objectName,
  objectNames,
  oneOf,
  postgresUrl,
  retention,
  roleName,
  secret,
  trustedProxies,
  urls,
  username,
  wholeNumber,
} from './values.ts';

/** Characters of a builder's key beside a DATABASE_URL. */
const MIN_BUILDER_KEY = 16;
const MAX_SECONDS = 7 * 86400;
const PORTS = [0, 65535] as const;
/** Namespaces of the cluster itself: never an app's. */
const CLUSTER_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const POD_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

function setting<T extends z.ZodType>(variable: string, value: T): { variable: string; value: T } {
  return { variable, value };
}

/** Every setting: the property, the environment variable that it is read from, its form and its default. */
const definitions = {
  /** TCP port of the API; 0 takes any free one. Default 8000. */
  port: setting('PORT', wholeNumber(...PORTS).default(8000)),
  /** Address that the API listens on. Default: 127.0.0.1 with the embedded database, else all. */
  host: setting('HOST', anyText.optional()),
  /** Folder of the embedded database and of the generated secrets, absolute here. Default `.keelson` in the working folder. */
  dataDir: setting('DATA_DIR', anyText.default('.keelson')),
  /** PostgreSQL 15 or newer, reached without a transaction pooler (LISTEN). Default none: the embedded one. */
  databaseUrl: setting('DATABASE_URL', postgresUrl.optional()),
  /** The same database for the role that migrates it and owns its tables. Default none: the role of DATABASE_URL does. */
  migrationDatabaseUrl: setting('MIGRATION_DATABASE_URL', postgresUrl.optional()),
  /** Whether a start migrates the database; else it refuses one that lacks migrations (`keelson migrate`). Default true. */
  migrateOnStart: setting('MIGRATE_ON_START', flag.default(true)),
  /** Path of the kubeconfig of the real cluster. Default none; the one in the home folder is never picked up by itself. */
  kubeconfig: setting('KUBECONFIG', anyText.optional()),
  /** TCP port of the sandbox's Kubernetes API; 0 takes any free one. Default 8001. */
  sandboxPort: setting('SANDBOX_PORT', wholeNumber(...PORTS).default(8001)),
  /** Allows the sandbox beside a DATABASE_URL, which otherwise is taken for a mistake. Default false. */
  sandboxWithDatabaseUrl: setting('SANDBOX_WITH_DATABASE_URL', flag.default(false)),
  /** The namespace that this Keelson itself runs in: no app may take its name. Default none. */
  ownNamespace: setting('KEELSON_NAMESPACE', objectName.optional()),
  /** The service account of that namespace that this Keelson runs as. Default none. */
  serviceAccount: setting('KEELSON_SERVICE_ACCOUNT', objectName.optional()),
  /** The ClusterRole that it is bound to in each app's namespace, with the rights to Secrets. Default none: it has them anyway. */
  secretsRole: setting('KEELSON_SECRETS_ROLE', roleName.optional()),

  /** Seconds that a request waits for the outcome of what it asked for; 0: it does not wait. Default 1200, as older controllers. */
  requestWait: setting('REQUEST_WAIT', wholeNumber(0, 86400).default(1200)),
  /** Seconds after which another replica takes over the operations of one that is gone. Default 12. */
  operationLease: setting('OPERATION_LEASE', wholeNumber(2, 300).default(12)),
  /** Seconds that a process which is to end gives its operations, and the requests that wait for some, to end before. Default 10. */
  shutdownWait: setting('SHUTDOWN_WAIT', wholeNumber(0, 3600).default(10)),
  /** Seconds that such a process goes on taking requests before: whoever sends them may hear of its end later. Default 0. */
  shutdownDelay: setting('SHUTDOWN_DELAY', wholeNumber(0, 60).default(0)),
  /** What is done about objects in the cluster that are not as recorded. Default heal. */
  drift: setting('DRIFT', oneOf('heal', 'report').default('heal')),
  /** Seconds in which all apps are looked at for drift once, also at what no watch shows; 0: never. Default 600. */
  driftInterval: setting('DRIFT_INTERVAL', wholeNumber(0, 86400).default(600)),
  /** Ids of other Keelsons that share the cluster, `*` for any: beside one that isn't named, drift is only reported. Default none. */
  knownInstallations: setting('KNOWN_INSTALLATIONS', list.default([])),
  /** Whose X-Forwarded-For counts: nobody's, everybody's, that many proxies', or that of these networks. Default nobody's. */
  trustProxy: setting('TRUST_PROXY', trustedProxies.default(false)),
  /** Least severe level that is logged. Default info. */
  logLevel: setting('LOG_LEVEL', oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info')),

  /** Wrong passwords that an account takes from one address in 15 minutes; 0: any number. Default 10. */
  loginFailuresPerAccount: setting('LOGIN_FAILURES_PER_ACCOUNT', wholeNumber(0, 1_000_000).default(10)),
  /** Wrong passwords, whosever, that are taken from one address in 15 minutes; 0: any number. Default 50. */
  loginFailuresPerAddress: setting('LOGIN_FAILURES_PER_ADDRESS', wholeNumber(0, 1_000_000).default(50)),
  /** Tries to register that one address has in an hour; 0: any number. Default 60. */
  registrationsPerAddress: setting('REGISTRATIONS_PER_ADDRESS', wholeNumber(0, 1_000_000).default(60)),
  /** Seconds that browsers are told to come by TLS alone, where they came by it; 0: they aren't told. Default 180 days. */
  hstsMaxAge: setting('HSTS_MAX_AGE', duration.default(180 * 86400)),
  /** Who may register (specification §4.1). Default enabled: everybody. */
  registrationMode: setting('REGISTRATION_MODE', oneOf('enabled', 'disabled', 'admin_only').default('enabled')),
  /** Names that no app may have, with those of the cluster's and Keelson's own namespaces (§5.1). */
  reservedNames: setting('RESERVED_NAMES', list.default(['drycc', 'drycc-builder', 'drycc-workflow-manager', 'grafana'])),
  /** Host names that no app may have as a domain, nor a wildcard that covers one: Keelson's own, and others' behind the same controller. */
  reservedDomains: setting('RESERVED_DOMAINS', hostNames.default([])),
  /** Domain under which every app gets its default domain (§12.1). */
  platformDomain: setting('DRYCC_PLATFORM_DOMAIN', hostName.default('local.drycc.cc')),
  /** Ingress class of the apps' Ingresses. Default none: the cluster's default class. */
  ingressClass: setting('DRYCC_INGRESS_CLASS', anyText.optional()),
  /** The ingress controller whose annotations the Ingresses carry, beside Drycc's own (§19.6). Default nginx. */
  ingressAnnotations: setting('INGRESS_ANNOTATIONS', oneOf('nginx', 'traefik', 'none').default('nginx')),
  /** What keeps apps apart in the cluster's network: nothing, or a NetworkPolicy for each (isolate). Default none. */
  appNetworkPolicy: setting('APP_NETWORK_POLICY', oneOf('none', 'isolate').default('none')),
  /** Namespaces of ingress controllers, from which isolated apps are reached. Default none. */
  ingressNamespaces: setting('INGRESS_NAMESPACES', objectNames.default([])),
  /** cert-manager's ClusterIssuer of certificates that are had automatically (§16.3). Default drycc-cluster-issuer. */
  clusterIssuer: setting('CERT_MANAGER_CLUSTER_ISSUER', anyText.default('drycc-cluster-issuer')),

  /** Signs tokens. At least 32 characters; must be set with DATABASE_URL, else generated and kept in the data folder. */
  secretKey: setting('DRYCC_SECRET_KEY', secret(32).optional()),
  /** An earlier DRYCC_SECRET_KEY whose tokens stay good while it is rotated (§1.4). Default none. */
  previousSecretKey: setting('DRYCC_SECRET_KEY_PREVIOUS', secret(32).optional()),
  /** What the builder authenticates with (§17). Must be set with DATABASE_URL, else generated and kept in the data folder. */
  builderKey: setting('DRYCC_BUILDER_KEY', secret(1).optional()),
  /** Keys of the encryption at rest, newest first. Must be set with DATABASE_URL, else generated and kept in the data folder. */
  encryptionKeys: setting('ENCRYPTION_KEYS', encryptionKeys.optional()),
  /** Name of the Secret in KEELSON_NAMESPACE that `keelson migrate` makes with all key material where there is none. Default none. */
  keysSecret: setting('KEELSON_KEYS_SECRET', anyText.optional()),
  /** What the first registration has to show beside DATABASE_URL (§4.1). Default none: one is made, and logged once. */
  setupToken: setting('SETUP_TOKEN', secret(16).optional()),
  /** Name of the administrator who is added at a start without any user. Default none. */
  firstAdminUsername: setting('FIRST_ADMIN_USERNAME', username.optional()),
  /** That administrator's password. Default none. */
  firstAdminPassword: setting('FIRST_ADMIN_PASSWORD', firstPassword.optional()),
  /** Seconds that a token is good for; 0: for ever. Given as 30d, 12h or seconds. Default 30 days. */
  tokenTtl: setting('TOKEN_TTL', duration.default(30 * 86400)),

  /** Pods that a roll-out may start at a time; 0: as many as there are nodes (§19.3). An app's config may override it. Default 0. */
  deployBatches: setting('DRYCC_DEPLOY_BATCHES', wholeNumber(0, 1000).default(0)),
  /** Seconds for one batch of a roll-out to become ready (§19.4). An app's config may override it. Default 120. */
  deployTimeout: setting('DRYCC_DEPLOY_TIMEOUT', wholeNumber(1, MAX_SECONDS).default(120)),
  /** Whether a build scales to 0 what its procfile no longer names (§7.1). Default true. */
  procfileMissingRemove: setting('DRYCC_DEPLOY_PROCFILE_MISSING_REMOVE', flag.default(true)),
  /** Whether a build without procfile is refused after one with (§7.1). Default false. */
  rejectIfProcfileMissing: setting('DRYCC_DEPLOY_REJECT_IF_PROCFILE_MISSING', flag.default(false)),
  /** Addresses that are told of every release (§20). Default none. */
  deployHookUrls: setting('DRYCC_DEPLOY_HOOK_URLS', urls.default([])),
  /** Signs the calls of deploy hooks (§20). Default none: they are not signed. */
  deployHookSecret: setting('DRYCC_DEPLOY_HOOK_SECRET_KEY', anyText.optional()),
  /** Node labels that apps without tags are placed by (§6.3). Default none. */
  defaultTags: setting('DRYCC_DEFAULT_CONFIG_TAGS', jsonLabels.default({})),
  /** Seconds that a pod gets to end by itself (§19.3). An app's config may override it. Default 30. */
  terminationGracePeriod: setting('KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS', wholeNumber(0, MAX_SECONDS).default(30)),
  /** Old ReplicaSets that a Deployment keeps. An app's config may override it. Default: the cluster's. */
  revisionHistoryLimit: setting('KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT', wholeNumber(0, 1000).optional()),
  /** `spec` of the ResourceQuota of every app's namespace (§5.2). Default none. */
  quotaSpec: setting('KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC', jsonObject.optional()),
  /** `spec` of the LimitRange of every app's namespace (§5.2). Default none. */
  limitRangeSpec: setting('KUBERNETES_NAMESPACE_DEFAULT_LIMIT_RANGES_SPEC', jsonObject.optional()),
  /** When nodes pull an image. An app's config may override it. Default IfNotPresent. */
  imagePullPolicy: setting('IMAGE_PULL_POLICY', oneOf('IfNotPresent', 'Always', 'Never').default('IfNotPresent')),

  /** Whether built images are in the platform's registry on the cluster or in an external one (§7.2). Default on-cluster. */
  registryLocation: setting('DRYCC_REGISTRY_LOCATION', oneOf('on-cluster', 'off-cluster').default('on-cluster')),
  /** Address under which nodes reach the platform's registry. Default 127.0.0.1. */
  registryHost: setting('DRYCC_REGISTRY_PROXY_HOST', anyText.default('127.0.0.1')),
  /** TCP port of the platform's registry. Default 5000. */
  registryPort: setting('DRYCC_REGISTRY_PROXY_PORT', wholeNumber(1, 65535).default(5000)),
  /** Name of the pull secrets, and the beginning of that for an external registry (§19.4). Default private-registry. */
  registrySecretPrefix: setting('DRYCC_REGISTRY_SECRET_PREFIX', anyText.default('private-registry')),
  /** Image that runs the slugs of buildpack builds (§7.2). */
  slugRunnerImage: setting('SLUGRUNNER_IMAGE_NAME', anyText.default('drycc/slugrunner:canary')),
  /** Where slugs are stored, handed to the slug runner as it is (§19.3). Default none. */
  builderStorage: setting('BUILDER_STORAGE', anyText.optional()),
  /** Host of the slug storage, handed to the slug runner as it is (§19.3). Default none. */
  minioHost: setting('DRYCC_MINIO_SERVICE_HOST', anyText.optional()),
  /** Port of the slug storage, handed to the slug runner as it is (§19.3). Default none. */
  minioPort: setting('DRYCC_MINIO_SERVICE_PORT', anyText.optional()),

  /** Host of the log aggregator (§11), in the variable that Kubernetes sets for its Service. Default none: logs are read from the cluster. */
  loggerHost: setting('DRYCC_LOGGER_SERVICE_HOST', anyText.optional()),
  /** TCP port of the log aggregator. Default 80. */
  loggerPort: setting('DRYCC_LOGGER_SERVICE_PORT_HTTP', wholeNumber(1, 65535).default(80)),

  /** Seconds that events of apps are kept for readers who come back. Given as 7d, 12h or seconds. Default 7 days. */
  eventRetention: setting('EVENT_RETENTION', duration.default(7 * 86400)),
  /** Seconds that operations are kept after their end, but for the newest of each app; 0: for ever. Default 30 days. */
  operationRetention: setting('OPERATION_RETENTION', retention.default(30 * 86400)),
  /** Seconds that one-off runs are kept after their end; 0: for ever. Default 30 days. */
  runRetention: setting('RUN_RETENTION', retention.default(30 * 86400)),

  /** API version in the headers (§1.3). Default 2.0. */
  apiVersion: setting('API_VERSION', anyText.default('2.0')),
  /** Platform version in the headers (§1.3). Default 2.1.0. */
  platformVersion: setting('PLATFORM_VERSION', anyText.default('2.1.0')),
  /** API version for the Go command lines, which refuse 2.0 (§1.3). Default 2.3. */
  apiVersionGoClients: setting('API_VERSION_GO_CLIENTS', anyText.default('2.3')),
  /** A config write that changes nothing: makes a release, or is rejected with 409 (§8.2). Default record. */
  noopRelease: setting('NOOP_RELEASE', oneOf('record', 'reject').default('record')),
  /** A rollback by number to a release without a build: undeploys, or is denied with 400 (§8.4). Default allow. */
  rollbackToBuildless: setting('ROLLBACK_TO_BUILDLESS', oneOf('allow', 'deny').default('allow')),
};

/** The environment variables of all settings. */
export const SETTING_NAMES: readonly string[] = Object.values(definitions).map(({ variable }) => variable);

/** What an embedded Keelson makes for itself. */
const SECRETS = new Set<keyof typeof definitions>(['secretKey', 'builderKey', 'encryptionKeys']);

/** Where the cluster is. */
export type ClusterSource = { kind: 'kubeconfig'; path: string } | { kind: 'service account' } | { kind: 'sandbox' };

type Environment = Record<string, string | undefined>;
type Read = { [K in keyof typeof definitions]: z.output<(typeof definitions)[K]['value']> };
/** What has a value once everything was checked. */
type Filled = 'host' | 'secretKey' | 'builderKey' | 'encryptionKeys';
type Values = Readonly<Omit<Read, Filled | 'kubeconfig'> & { [K in Filled]: NonNullable<Read[K]> }> & {
  /** A kubeconfig that was named, else the service account of the pod, else the sandbox. */
  readonly cluster: ClusterSource;
};

/** The settings of the process, read once from its environment. (An app's are its config.) */
export class Settings extends (Object as unknown as new () => Values) {
  private constructor(values: Values) {
    super();
    Object.assign(this, values);
  }

  /** No DATABASE_URL: the database is embedded, its data in `dataDir`. */
  get embeddedDatabase(): boolean {
    return this.databaseUrl === undefined;
  }

  /**
   * An empty variable counts as unset. Without a DATABASE_URL the secrets that are not given come from the data folder.
   * @throws {InvalidSettings} naming every fault
   */
  static parse(env: Environment, secretsIn: SecretsIn = keptSecrets): Settings {
    return Object.freeze(new Settings(checked(env, Object.keys(definitions) as (keyof Read)[], secretsIn)));
  }

  /**
   * Some of them, for a command that needs no others: faults of the rest don't matter. No secrets are made unless they are asked for.
   * @throws {InvalidSettings} naming every fault of these
   */
  static only<K extends keyof Read & keyof Values>(
    env: Environment,
    properties: readonly K[],
    secretsIn: SecretsIn = keptSecrets,
  ): Pick<Values, K> {
    const values = checked(env, properties, secretsIn);
    return Object.fromEntries(properties.map((property) => [property, values[property]])) as Pick<Values, K>;
  }

  /** Where the cluster is, for a command that needs no more. @throws {InvalidSettings} */
  static clusterOf(env: Environment): ClusterSource {
    return checked(env, ['kubeconfig'], keptSecrets).cluster;
  }
}

/** Gives the secrets that a data folder keeps. */
type SecretsIn = (dataDir: string) => KeptSecrets;

/** Every fault begins with the variable that it is about: what nobody asked for is no fault. */
function checked(env: Environment, asked: readonly (keyof Read)[], secretsIn: SecretsIn): Values {
  const set = given(env);
  const { values, faults } = read(set);
  const cluster = clusterSource(set);
  faults.push(...crossFaults(set, values, cluster));
  const variables = new Set(asked.map((property) => definitions[property].variable));
  const told = faults.filter((fault) => variables.has(fault.split(' ', 1)[0] ?? ''));
  if (told.length > 0) throw new InvalidSettings(told);
  const { dataDir = '', databaseUrl } = values;
  const embedded = databaseUrl === undefined;
  const folder = resolve(dataDir);
  const wantsSecrets = embedded && asked.some((property) => SECRETS.has(property));
  return {
    ...values,
    ...(wantsSecrets ? secretsOf(folder, secretsIn(folder), set) : {}),
    dataDir: folder,
    cluster,
    host: values.host ?? (embedded ? '127.0.0.1' : allAddresses()),
    reservedNames: [
      ...new Set([
        ...(values.reservedNames ?? []),
        ...CLUSTER_NAMESPACES,
        ...(set.KEELSON_NAMESPACE ? [set.KEELSON_NAMESPACE] : []),
        ...namesOfDefaults(values),
      ]),
    ],
  } as Values;
}

/** Of apps that would have a reserved domain by default. */
function namesOfDefaults({ reservedDomains = [], platformDomain = '' }: Partial<Read>): string[] {
  const suffix = `.${platformDomain}`;
  return reservedDomains.filter((domain) => domain.endsWith(suffix)).map((domain) => domain.slice(0, -suffix.length));
}

/** Starting makes no sense: the environment has to be put right first. */
export class InvalidSettings extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`Keelson cannot start with these settings:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
    this.name = 'InvalidSettings';
  }
}

/** What is set; an empty variable is not. */
function given(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])));
}

function read(set: Environment): { values: Partial<Read>; faults: string[] } {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [property, { variable, value }] of Object.entries(definitions)) {
    const result = value.safeParse(set[variable]);
    if (result.success) values[property] = result.data;
    else faults.push(...result.error.issues.map(({ message }) => `${variable} ${message}.`));
  }
  return { values, faults };
}

/** Secrets that are set come before those that are kept. */
function secretsOf(dataDir: string, kept: KeptSecrets, set: Environment): Pick<Read, 'secretKey' | 'builderKey' | 'encryptionKeys'> {
  const { values, faults: all } = read({ ...kept, ...set });
  const faults = all.filter((fault) => (fault.split(' ', 1)[0] ?? '') in kept);
  if (faults.length > 0) throw new InvalidSettings(faults.map((fault) => `${fault} It is kept in secrets.json in ${dataDir}.`));
  const { secretKey, builderKey, encryptionKeys } = values;
  return { secretKey, builderKey, encryptionKeys };
}

function crossFaults(set: Environment, values: Partial<Read>, cluster: ClusterSource): string[] {
  const { port, sandboxPort, sandboxWithDatabaseUrl } = values;
  const faults = [...weakSecrets(set, values)];
  if (set.DATABASE_URL) {
    const replicas = 'must be set when DATABASE_URL is: every replica needs the same';
    const howTo = '`openssl rand -hex 32` prints one';
    if (!set.DRYCC_SECRET_KEY) faults.push(`DRYCC_SECRET_KEY ${replicas}. ${howTo}.`);
    if (!set.DRYCC_BUILDER_KEY) faults.push(`DRYCC_BUILDER_KEY ${replicas}. ${howTo}.`);
    if (!set.ENCRYPTION_KEYS) {
      faults.push(`ENCRYPTION_KEYS ${replicas}. It is <id>:<base64 of 32 bytes>, such as k1: and what \`openssl rand -base64 32\` prints.`);
    }
    if (cluster.kind === 'sandbox' && !sandboxWithDatabaseUrl) {
      faults.push(
        'KUBECONFIG must be set when DATABASE_URL is, unless Keelson runs in a pod with a service account. ' +
          'SANDBOX_WITH_DATABASE_URL=true allows the sandbox beside this database; the sandbox forgets its cluster at every start.',
      );
    }
  } else if (set.MIGRATION_DATABASE_URL) {
    faults.push('DATABASE_URL must be set when MIGRATION_DATABASE_URL is: it is the same database for the role that the server uses.');
  }
  if (set.KEELSON_KEYS_SECRET && !set.KEELSON_NAMESPACE) {
    faults.push('KEELSON_NAMESPACE must be set when KEELSON_KEYS_SECRET is: it is the namespace of that Secret.');
  }
  const [name, password] = [set.FIRST_ADMIN_USERNAME, set.FIRST_ADMIN_PASSWORD];
  if (name && !password) faults.push('FIRST_ADMIN_PASSWORD must be set when FIRST_ADMIN_USERNAME is.');
  if (password && !name) faults.push('FIRST_ADMIN_USERNAME must be set when FIRST_ADMIN_PASSWORD is.');
  faults.push(...rightsFaults(set));
  if (set.APP_NETWORK_POLICY === 'isolate' && !set.INGRESS_NAMESPACES) {
    faults.push(
      'INGRESS_NAMESPACES must name the namespaces of the ingress controllers when APP_NETWORK_POLICY is isolate: nobody else gets in.',
    );
  }
  if (cluster.kind === 'kubeconfig') faults.push(...unreadable('KUBECONFIG', cluster.path));
  if (cluster.kind === 'sandbox' && port && port === sandboxPort) faults.push(`SANDBOX_PORT and PORT must differ; both are ${port}.`);
  return faults;
}

/** Beside a DATABASE_URL: an embedded Keelson is for trying out. What is wrong with a secret's form is said already. */
function weakSecrets(set: Environment, values: Partial<Read>): string[] {
  if (!set.DATABASE_URL) return [];
  const { secretKey, previousSecretKey, builderKey, encryptionKeys: keys, setupToken, firstAdminPassword } = values;
  const howTo = 'Take a random one: `openssl rand -hex 32` prints one.';
  const texts = { DRYCC_SECRET_KEY: secretKey, DRYCC_SECRET_KEY_PREVIOUS: previousSecretKey, DRYCC_BUILDER_KEY: builderKey };
  const faults = Object.entries({ ...texts, SETUP_TOKEN: setupToken, FIRST_ADMIN_PASSWORD: firstAdminPassword }).flatMap(([name, text]) => {
    const weakness = text === undefined ? undefined : weaknessOf(text);
    return weakness === undefined ? [] : [`${name} ${weakness}. ${howTo}`];
  });
  if (builderKey !== undefined && builderKey.length < MIN_BUILDER_KEY) {
    faults.push(`DRYCC_BUILDER_KEY must have at least ${String(MIN_BUILDER_KEY)} characters when DATABASE_URL is set.`);
  }
  for (const { id, key } of keys ?? []) {
    const weakness = weaknessOf(key.toString('latin1'));
    if (weakness !== undefined)
      faults.push(`ENCRYPTION_KEYS has a key "${id}" that ${weakness}. \`openssl rand -base64 32\` prints a key.`);
  }
  return faults;
}

/** What a right to Secrets that is bound in each app's namespace takes. */
const RIGHTS = {
  KEELSON_SECRETS_ROLE: 'it names the ClusterRole that is bound in each app’s namespace',
  KEELSON_SERVICE_ACCOUNT: 'it names the service account that the role is bound to, the one that Keelson runs as',
  KEELSON_NAMESPACE: 'it is the namespace of that service account',
};

function rightsFaults(set: Environment): string[] {
  const given = set.KEELSON_SECRETS_ROLE ? 'KEELSON_SECRETS_ROLE' : set.KEELSON_SERVICE_ACCOUNT ? 'KEELSON_SERVICE_ACCOUNT' : null;
  if (given === null) return [];
  return Object.entries(RIGHTS)
    .filter(([variable]) => !set[variable])
    .map(([variable, what]) => `${variable} must be set when ${given} is: ${what}.`);
}

function clusterSource(set: Environment): ClusterSource {
  if (set.KUBECONFIG) return { kind: 'kubeconfig', path: set.KUBECONFIG };
  return set.KUBERNETES_SERVICE_HOST && existsSync(POD_TOKEN) ? { kind: 'service account' } : { kind: 'sandbox' };
}

function unreadable(variable: string, path: string): string[] {
  try {
    accessSync(path, constants.R_OK);
    return [];
  } catch {
    return [`${variable} must be the path of one file that can be read; ${path} is not.`];
  }
}

/** Where the host has IPv6, its unspecified address takes IPv4 too. */
function allAddresses(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}
