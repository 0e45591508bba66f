import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptSecrets } from './data-dir.ts';
import { InvalidSettings, Settings } from './settings.ts';

const KEY = randomBytes(32).toString('base64');
const OTHER_KEY = randomBytes(32).toString('base64');
const random = (): string => randomBytes(32).toString('hex');
const KEPT = { DRYCC_SECRET_KEY: random(), DRYCC_BUILDER_KEY: random(), ENCRYPTION_KEYS: `k1:${KEY}` };
const PRODUCTION = { ...KEPT, DATABASE_URL: 'postgresql://keelson:secret@db:5432/keelson', SANDBOX_WITH_DATABASE_URL: 'true' };

const parse = (env: Record<string, string | undefined>): Settings => Settings.parse(env, () => KEPT);

function faultsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    parse(env);
  } catch (error) {
    if (error instanceof InvalidSettings) return error.faults;
    throw error;
  }
  return [];
}

describe('Settings', () => {
  const bound = { KEELSON_NAMESPACE: 'platform', KEELSON_SERVICE_ACCOUNT: 'keelson', KEELSON_SECRETS_ROLE: 'keelson:secrets' };

  it('takes a right to Secrets by namespace as a whole', () => {
    expect(parse(bound)).toMatchObject({ ownNamespace: 'platform', serviceAccount: 'keelson', secretsRole: 'keelson:secrets' });
    expect(faultsOf({ KEELSON_NAMESPACE: 'platform' })).toEqual([]);
  });

  it.each([
    [{ KEELSON_SECRETS_ROLE: 'x' }, [/^KEELSON_SERVICE_ACCOUNT must .* KEELSON_SECRETS_ROLE is: /, /^KEELSON_NAMESPACE must be set when /]],
    [
      { KEELSON_SERVICE_ACCOUNT: 'x' },
      [/^KEELSON_SECRETS_ROLE must .* KEELSON_SERVICE_ACCOUNT is: /, /^KEELSON_NAMESPACE must be set when /],
    ],
    [{ ...bound, KEELSON_NAMESPACE: '' }, [/^KEELSON_NAMESPACE must be set when KEELSON_SECRETS_ROLE is: /]],
    [{ ...bound, KEELSON_NAMESPACE: 'No.' }, [/^KEELSON_NAMESPACE must be a name of up to 63 small letters/]],
    [{ ...bound, KEELSON_SECRETS_ROLE: 'a/b' }, [/^KEELSON_SECRETS_ROLE must be the name of a ClusterRole/]],
    [{ APP_NETWORK_POLICY: 'isolate' }, [/^INGRESS_NAMESPACES must name the namespaces of the ingress controllers/]],
    [{ APP_NETWORK_POLICY: 'isolate', INGRESS_NAMESPACES: 'a,b c' }, [/^INGRESS_NAMESPACES must be a comma-separated list of names/]],
  ])('says what is wrong with %j', (env, words) => {
    expect(faultsOf(env)).toEqual(words.map((pattern) => expect.stringMatching(pattern) as string));
  });

  it('has a default for everything', () => {
    const settings = parse({});
    expect(settings).toMatchObject({
      port: 8000,
      host: '127.0.0.1',
      dataDir: join(process.cwd(), '.keelson'),
      embeddedDatabase: true,
      cluster: { kind: 'sandbox' },
      sandboxPort: 8001,
      requestWait: 1200,
      trustProxy: false,
      logLevel: 'info',
      registrationMode: 'enabled',
      platformDomain: 'local.drycc.cc',
      tokenTtl: 30 * 86400,
      deployBatches: 0,
      deployTimeout: 120,
      procfileMissingRemove: true,
      rejectIfProcfileMissing: false,
      deployHookUrls: [],
      defaultTags: {},
      terminationGracePeriod: 30,
      imagePullPolicy: 'IfNotPresent',
      registryLocation: 'on-cluster',
      registryHost: '127.0.0.1',
      registryPort: 5000,
      registrySecretPrefix: 'private-registry',
      apiVersion: '2.0',
      platformVersion: '2.1.0',
      apiVersionGoClients: '2.3',
      noopRelease: 'record',
      rollbackToBuildless: 'allow',
    });
    expect(settings.databaseUrl).toBeUndefined();
    expect(settings.revisionHistoryLimit).toBeUndefined();
    expect(settings.quotaSpec).toBeUndefined();
  });

  it('cannot be changed', () => {
    expect(() => Object.assign(parse({}), { port: 1 })).toThrow(TypeError);
  });

  it.each<[string, string, keyof Settings, unknown]>([
    ['PORT', '0', 'port', 0],
    ['HOST', ' ::1 ', 'host', '::1'],
    ['DATA_DIR', '/srv/keelson/', 'dataDir', '/srv/keelson'],
    ['SANDBOX_PORT', '9001', 'sandboxPort', 9001],
    ['REQUEST_WAIT', '0', 'requestWait', 0],
    ['TRUST_PROXY', 'true', 'trustProxy', true],
    ['TRUST_PROXY', '0', 'trustProxy', false],
    ['TRUST_PROXY', '1', 'trustProxy', 1],
    ['TRUST_PROXY', '10.0.0.0/8, fd00::/8', 'trustProxy', ['10.0.0.0/8', 'fd00::/8']],
    ['LOG_LEVEL', 'debug', 'logLevel', 'debug'],
    ['REGISTRATION_MODE', 'admin_only', 'registrationMode', 'admin_only'],
    ['TOKEN_TTL', '12h', 'tokenTtl', 43200],
    ['TOKEN_TTL', '90', 'tokenTtl', 90],
    ['TOKEN_TTL', '0', 'tokenTtl', 0],
    ['DRYCC_PLATFORM_DOMAIN', 'Apps.Example.COM', 'platformDomain', 'apps.example.com'],
    ['DRYCC_DEPLOY_PROCFILE_MISSING_REMOVE', 'False', 'procfileMissingRemove', false],
    ['DRYCC_DEPLOY_REJECT_IF_PROCFILE_MISSING', '1', 'rejectIfProcfileMissing', true],
    ['DRYCC_DEPLOY_HOOK_URLS', 'http://a/x, https://b/', 'deployHookUrls', ['http://a/x', 'https://b/']],
    ['DRYCC_DEFAULT_CONFIG_TAGS', '{"disk": "ssd"}', 'defaultTags', { disk: 'ssd' }],
    ['KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC', '{"hard": {"pods": "10"}}', 'quotaSpec', { hard: { pods: '10' } }],
    ['KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT', '3', 'revisionHistoryLimit', 3],
    ['DRYCC_REGISTRY_PROXY_PORT', '', 'registryPort', 5000],
    ['NOOP_RELEASE', 'reject', 'noopRelease', 'reject'],
    ['ROLLBACK_TO_BUILDLESS', 'deny', 'rollbackToBuildless', 'deny'],
  ])('reads %s=%s', (variable, text, property, value) => {
    expect(parse({ [variable]: text })[property]).toEqual(value);
  });

  it.each([
    ['PORT', '70000', 'PORT must be a whole number from 0 to 65535.'],
    ['PORT', '80a', 'PORT must be a whole number from 0 to 65535.'],
    ['REQUEST_WAIT', '-1', 'REQUEST_WAIT must be a whole number from 0 to 86400.'],
    ['DATABASE_URL', 'mysql://db/x', 'DATABASE_URL must be an address such as postgresql://user:password@host:5432/database.'],
    [
      'DRYCC_PLATFORM_DOMAIN',
      'münchen.example',
      'DRYCC_PLATFORM_DOMAIN must be a host name of at most 189 characters, international letters in their xn-- form.',
    ],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent.'],
    ['REGISTRATION_MODE', 'open', 'REGISTRATION_MODE must be one of enabled, disabled, admin_only.'],
    ['TRUST_PROXY', 'nginx', 'TRUST_PROXY must be false, true, a number of proxies, or a comma-separated list of addresses and networks.'],
    ['TOKEN_TTL', '1 week', 'TOKEN_TTL must be a number of seconds, or a number with a unit such as 12h or 30d.'],
    ['DRYCC_DEPLOY_PROCFILE_MISSING_REMOVE', 'maybe', 'DRYCC_DEPLOY_PROCFILE_MISSING_REMOVE must be true or false.'],
    ['DRYCC_DEPLOY_HOOK_URLS', 'ftp://x', 'DRYCC_DEPLOY_HOOK_URLS must be a comma-separated list of http:// or https:// addresses.'],
    ['DRYCC_DEFAULT_CONFIG_TAGS', '{"disk": 1}', 'DRYCC_DEFAULT_CONFIG_TAGS must be a JSON object of strings, such as {"disk": "ssd"}.'],
    [
      'KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC',
      '[1]',
      'KUBERNETES_NAMESPACE_DEFAULT_QUOTA_SPEC must be a JSON object, such as {"key": "value"}.',
    ],
    ['DRYCC_SECRET_KEY', 'short', 'DRYCC_SECRET_KEY must have at least 32 characters.'],
    ['SETUP_TOKEN', 'fifteen-letters', 'SETUP_TOKEN must have at least 16 characters.'],
    ['FIRST_ADMIN_USERNAME', 'a b', 'FIRST_ADMIN_USERNAME must be at most 150 letters, numbers and @ . + - _.'],
    ['FIRST_ADMIN_USERNAME', 'ada', 'FIRST_ADMIN_PASSWORD must be set when FIRST_ADMIN_USERNAME is.'],
    ['FIRST_ADMIN_PASSWORD', 'short', 'FIRST_ADMIN_PASSWORD must have 8 to 128 characters.'],
    ['FIRST_ADMIN_PASSWORD', 'opensesame', 'FIRST_ADMIN_USERNAME must be set when FIRST_ADMIN_PASSWORD is.'],
    ['KEELSON_KEYS_SECRET', 'keys', 'KEELSON_NAMESPACE must be set when KEELSON_KEYS_SECRET is: it is the namespace of that Secret.'],
    ['KUBECONFIG', '/nowhere/config', 'KUBECONFIG must be the path of one file that can be read; /nowhere/config is not.'],
    ['SANDBOX_PORT', '8000', 'SANDBOX_PORT and PORT must differ; both are 8000.'],
    [
      'MIGRATION_DATABASE_URL',
      'postgresql://owner@db/keelson',
      'DATABASE_URL must be set when MIGRATION_DATABASE_URL is: it is the same database for the role that the server uses.',
    ],
  ])('refuses %s=%s', (variable, text, fault) => {
    expect(faultsOf({ [variable]: text })).toContain(fault);
  });

  it.each([['k1'], [`k1:${KEY},k1:${OTHER_KEY}`], ['k1:c2hvcnQ='], [`k.1:${KEY}`], [`k1:${KEY},rubbish`]])(
    'refuses the encryption keys %s without repeating them',
    (keys) => {
      const faults = faultsOf({ ENCRYPTION_KEYS: keys });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(/^ENCRYPTION_KEYS must be <id>:<base64 of 32 bytes>/);
      expect(faults[0]).not.toContain(KEY);
    },
  );

  it('reads encryption keys newest first', () => {
    const { encryptionKeys } = parse({ ENCRYPTION_KEYS: `k2:${OTHER_KEY}, k1:${KEY}` });
    expect(encryptionKeys.map(({ id, key }) => [id, key.length])).toEqual([
      ['k2', 32],
      ['k1', 32],
    ]);
  });

  it('reports all faults together', () => {
    expect(() => parse({ PORT: 'x', REGISTRATION_MODE: 'y', TOKEN_TTL: 'z' })).toThrow(
      /^Keelson cannot start with these settings:\n- PORT must .*\n- REGISTRATION_MODE must .*\n- TOKEN_TTL must .*$/,
    );
  });

  it('takes an empty variable for unset', () => {
    expect(parse({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({ port: 8000, embeddedDatabase: true });
  });

  it('adds the namespaces of the cluster and its own to the reserved names', () => {
    const cluster = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
    expect(parse({}).reservedNames).toEqual(['drycc', 'drycc-builder', 'drycc-workflow-manager', 'grafana', ...cluster]);
    expect(parse({ RESERVED_NAMES: 'a, b', KEELSON_NAMESPACE: 'keelson' }).reservedNames).toEqual(['a', 'b', ...cluster, 'keelson']);
  });

  it('reserves the names of apps that would have a reserved domain by default', () => {
    const { reservedDomains, reservedNames } = parse({
      RESERVED_DOMAINS: 'WWW.Example.com, keelson.example.org',
      DRYCC_PLATFORM_DOMAIN: 'example.com',
    });
    expect(reservedDomains).toEqual(['www.example.com', 'keelson.example.org']);
    expect(reservedNames).toContain('www');
    expect(reservedNames).not.toContain('keelson');
    expect(() => parse({ RESERVED_DOMAINS: '*.example.com' })).toThrow(/RESERVED_DOMAINS must be a comma-separated list of host names/);
  });

  describe('with DATABASE_URL', () => {
    it('listens on all addresses and asks for no kept secrets', () => {
      const settings = Settings.parse(PRODUCTION, () => {
        throw new Error('asked');
      });
      expect(settings).toMatchObject({ embeddedDatabase: false, secretKey: KEPT.DRYCC_SECRET_KEY });
      expect(['::', '0.0.0.0']).toContain(settings.host);
    });

    it('wants every secret and a cluster', () => {
      const faults = faultsOf({ DATABASE_URL: PRODUCTION.DATABASE_URL });
      expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
        'DRYCC_SECRET_KEY',
        'DRYCC_BUILDER_KEY',
        'ENCRYPTION_KEYS',
        'KUBECONFIG',
      ]);
    });

    it.each([
      ['DRYCC_SECRET_KEY', 'changeme-this-is-a-secret-key-for-drycc', 'is made of the words of an example'],
      ['DRYCC_SECRET_KEY', 'k'.repeat(64), 'repeats itself or counts up'],
      ['DRYCC_SECRET_KEY_PREVIOUS', '0123456789'.repeat(4), 'repeats itself or counts up'],
      ['DRYCC_BUILDER_KEY', 'builder-secret-key', 'is made of the words of an example'],
      ['DRYCC_BUILDER_KEY', 'x7Gq2', 'must have at least 16 characters when DATABASE_URL is set.'],
      ['ENCRYPTION_KEYS', `k1:${Buffer.alloc(32).toString('base64')}`, 'has a key "k1" that repeats itself or counts up'],
      ['SETUP_TOKEN', 'setup-token-changeme', 'is made of the words of an example'],
      ['FIRST_ADMIN_PASSWORD', 'changeme', 'is made of the words of an example'],
    ])('refuses %s=%s: it %s', (variable, text, words) => {
      const faults = faultsOf({ ...PRODUCTION, FIRST_ADMIN_USERNAME: 'ada', FIRST_ADMIN_PASSWORD: 'opensesame', [variable]: text });
      expect(faults).toEqual([expect.stringContaining(`${variable} ${words}`)]);
      expect(faults[0]).not.toContain(text);
    });

    it('takes weak secrets without it: an embedded Keelson is for trying out', () => {
      expect(faultsOf({ DRYCC_SECRET_KEY: 'k'.repeat(64), DRYCC_BUILDER_KEY: 'b' })).toEqual([]);
    });

    it('reports a bad secret once', () => {
      expect(faultsOf({ ...PRODUCTION, DRYCC_SECRET_KEY: 'short' })).toEqual(['DRYCC_SECRET_KEY must have at least 32 characters.']);
    });
  });
});

describe('some settings alone', () => {
  it('do not mind what is wrong with others, and make no secrets', () => {
    const settings = Settings.only({ DATABASE_URL: PRODUCTION.DATABASE_URL, PORT: 'x' }, ['databaseUrl', 'ownNamespace'], () => {
      throw new Error('asked');
    });
    expect(settings).toEqual({ databaseUrl: PRODUCTION.DATABASE_URL, ownNamespace: undefined });
  });

  it('are checked as ever', () => {
    const env = { DATABASE_URL: PRODUCTION.DATABASE_URL, PORT: 'x', ENCRYPTION_KEYS: 'k1' };
    expect(() => Settings.only(env, ['encryptionKeys'])).toThrow(/settings:\n- ENCRYPTION_KEYS must be [^\n]*$/);
  });

  it('come from the data folder where the database does', () => {
    const { encryptionKeys } = Settings.only({ PORT: 'x' }, ['encryptionKeys'], () => KEPT);
    expect(encryptionKeys.map(({ id }) => id)).toEqual(['k1']);
  });
});

describe('the kept secrets', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'keelson-secrets-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('are made once, for the owner alone', () => {
    const dataDir = join(folder, 'made', 'by it');
    const first = Settings.parse({ DATA_DIR: dataDir });
    const second = Settings.parse({ DATA_DIR: dataDir });
    expect(first.secretKey).toHaveLength(64);
    expect(second).toMatchObject({ secretKey: first.secretKey, builderKey: first.builderKey, encryptionKeys: first.encryptionKeys });
    expect(mode(dataDir)).toBe('700');
    expect(mode(join(dataDir, 'secrets.json'))).toBe('600');
    expect(readdirSync(dataDir)).toEqual(['secrets.json']);
  });

  it('give way to those that are set', () => {
    expect(Settings.parse({ DATA_DIR: folder, DRYCC_BUILDER_KEY: 'mine' }).builderKey).toBe('mine');
  });

  it('close a folder that was open', () => {
    chmodSync(folder, 0o755);
    keptSecrets(folder);
    expect(mode(folder)).toBe('700');
  });

  it('are not made where the folder holds something else', () => {
    mkdirSync(join(folder, 'photos'));
    expect(() => keptSecrets(folder)).toThrow('is not empty and not the data folder of a Keelson');
    expect(readdirSync(folder)).toEqual(['photos']);
  });

  it('are not made anew when the file is damaged', () => {
    keptSecrets(folder);
    writeFileSync(join(folder, 'secrets.json'), '{"DRYCC');
    expect(() => keptSecrets(folder)).toThrow('secrets.json is not JSON any more');
    expect(readFileSync(join(folder, 'secrets.json'), 'utf8')).toBe('{"DRYCC');
  });

  it('survive a start that was killed while it wrote them', () => {
    writeFileSync(join(folder, '.secrets.json.0123456789ab'), '{"DRY');
    expect(keptSecrets(folder).DRYCC_SECRET_KEY).toHaveLength(64);
  });

  it('say so in words where there can be no folder', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => keptSecrets(join(folder, 'file', 'data'))).toThrow(/^DATA_DIR .* cannot be used as a data folder: /);
  });
});
