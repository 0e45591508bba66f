import { InvalidFields } from '../http/errors.ts';
import { parseConfigPatch } from './config-rules.ts';

function faults(body: unknown): Record<string, string[]> {
  try {
    parseConfigPatch(body);
  } catch (error) {
    if (error instanceof InvalidFields) return error.fields;
    throw error;
  }
  return {};
}

const KEY = 'Config keys must start with a letter or underscore and only contain [A-z0-9_]';
const TYPE = 'Process types can only contain lowercase alphanumeric characters';
const MEMORY = 'Memory limit format: <number><unit> or <number><unit>/<number><unit>, where unit = B, K, M or G';
const CPU = 'CPU limit format: <value> or <value>/<value>, where value must be a numeric';
const MAP = 'Expected an object, or a string with the JSON of one.';

describe('a config request', () => {
  it('becomes a patch of strings and nulls', () => {
    expect(parseConfigPatch({ values: { A: 'x', PORT: 5000, ON: true, GONE: null, 'no such-key': null }, memory: { web: '1G' } })).toEqual({
      values: { A: 'x', PORT: '5000', ON: 'true', GONE: null, 'no such-key': null },
      memory: { web: '1G' },
    });
  });

  it('leaves fields that are absent out of the patch, and ignores unknown ones', () => {
    expect(parseConfigPatch({ owner: 'mallory', tags: {} })).toEqual({ tags: {} });
  });

  it('may hold its maps as strings of JSON', () => {
    expect(parseConfigPatch({ values: '{"A": 1}', healthcheck: '{"web": null}' })).toEqual({
      values: { A: '1' },
      healthcheck: { web: null },
    });
  });

  it.each(['[]', 'no json', '"x"', 'null', '{"__proto__": "x"}', [], 5, true])('with %j for a map is refused', (values) => {
    expect(faults({ values })).toEqual({ values: [MAP] });
  });

  it('with null for a field is refused', () => {
    expect(faults({ values: null, healthcheck: null })).toEqual({
      values: ['This field may not be null.'],
      healthcheck: ['This field may not be null.'],
    });
  });

  it('drops the variables that the platform sets', () => {
    const patch = parseConfigPatch({ values: { DRYCC_APP: 'x', DRYCC_RELEASE: 'v1', WORKFLOW_RELEASE: null, DRYCC_DEPLOY_TIMEOUT: 3 } });
    expect(patch).toEqual({ values: { DRYCC_DEPLOY_TIMEOUT: '3' } });
  });

  it('gets its registry keys lower-cased', () => {
    expect(parseConfigPatch({ registry: { Username: 'u', PASSWORD: null } })).toEqual({ registry: { username: 'u', password: null } });
  });

  it('keeps keys that mean something to JavaScript', () => {
    const { values, memory } = parseConfigPatch({ values: { constructor: 'b', toString: null }, memory: { constructor: '1G' } });
    expect(Object.entries({ ...values, ...memory })).toEqual([
      ['constructor', '1G'],
      ['toString', null],
    ]);
  });

  it('is answered with every fault of every field at once', () => {
    expect(
      faults({ values: { '1A': 'x', PORT: 'http' }, memory: { Web: '10' }, cpu: { web: 'm' }, healthcheck: { web: { x: {} } } }),
    ).toEqual({
      values: [KEY, 'PORT can only be a numeric value'],
      memory: [TYPE, MEMORY],
      cpu: [CPU],
      healthcheck: ['Healthcheck keys must be either livenessProbe or readinessProbe'],
    });
  });

  it.each([
    ['values', { A: { b: 1 } }],
    ['values', { A: ['b'] }],
    ['memory', { A: {} }],
    ['registry', { A: [] }],
  ])('with an object or a list as a value of %s is refused', (field, map) => {
    expect(faults({ [field]: map })).toEqual({
      [field]: ['The value of ' + (field === 'registry' ? 'a' : 'A') + ' must be a string, a number or a boolean, or null to unset it'],
    });
  });

  it.each(['a\0b', '\ud800', 'x\udc00y'])('with text that cannot be stored (%j) is refused', (text) => {
    expect(faults({ values: { A: text } })).toEqual({ values: ['The value of A must be valid Unicode without NUL characters'] });
    expect(Object.keys(faults({ registry: { password: text }, lifecycle_pre_stop: { web: text } }))).toEqual([
      'registry',
      'lifecycle_pre_stop',
    ]);
    expect(Object.keys(faults({ healthcheck: { web: { livenessProbe: { exec: { command: [text] } } } } }))).toEqual(['healthcheck']);
  });

  it('may use the whole of Unicode', () => {
    expect(faults({ values: { A: 'żółw 🐢\n\t' } })).toEqual({});
  });
});

describe('values', () => {
  it.each([
    ['A', 'x', []],
    ['_a1', '', []],
    ['A-B', 'x', [KEY]],
    ['Ä', 'x', [KEY]],
    ['A\n', 'x', [KEY]],
    ['', 'x', [KEY]],
    ['K'.repeat(253), 'x', []],
    ['K'.repeat(254), 'x', ['Config keys can have at most 253 characters']],
    ['A', 'x'.repeat(131_069), []],
    ['A', 'x'.repeat(131_070), ['A is longer than a process can be given: at most 131071 bytes']],
    ['A', 'ż'.repeat(65_535), ['A is longer than a process can be given: at most 131071 bytes']],
    ['PORT', '1', []],
    ['PORT', 65535, []],
    ['PORT', '0', ['PORT needs to be between 1 and 65535']],
    ['PORT', '65536', ['PORT needs to be between 1 and 65535']],
    ['PORT', '-1', ['PORT can only be a numeric value']],
    ['PORT', '', ['PORT can only be a numeric value']],
    ['PORT', 80.5, ['PORT can only be a numeric value']],
    ['DRYCC_DEPLOY_BATCHES', '0', []],
    ['DRYCC_DEPLOY_BATCHES', 'many', ['DRYCC_DEPLOY_BATCHES can only be a numeric value']],
    ['DRYCC_DEPLOY_TIMEOUT', '0', ['DRYCC_DEPLOY_TIMEOUT needs to be between 1 and 86400']],
    [
      'KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT',
      '99999999999',
      ['KUBERNETES_DEPLOYMENTS_REVISION_HISTORY_LIMIT needs to be between 0 and 2147483647'],
    ],
    [
      'KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS',
      '1.5',
      ['KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS can only be a numeric value'],
    ],
    ['IMAGE_PULL_POLICY', 'Always', []],
    ['IMAGE_PULL_POLICY', 'always', ['IMAGE_PULL_POLICY needs to be one of Always, IfNotPresent, Never']],
    ['HEALTHCHECK_URL', '/healthz', []],
    [
      'HEALTHCHECK_URL',
      'http://example.com',
      ['HEALTHCHECK_URL is missing a URI path (such as /healthz). Without it no health check can be done'],
    ],
    ['HEALTHCHECK_URL', '', ['HEALTHCHECK_URL is missing a URI path (such as /healthz). Without it no health check can be done']],
    ...['/x?a=b', '/x#a', 'http://example.com/x', '//example.com/x'].map((url): [string, unknown, string[]] => [
      'HEALTHCHECK_URL',
      url,
      ['HEALTHCHECK_URL can only be a URI path (such as /healthz) that does not contain other things such as query params'],
    ]),
    ['HEALTHCHECK_TIMEOUT', 5, []],
    ['HEALTHCHECK_TIMEOUT', '5s', ['HEALTHCHECK_TIMEOUT can only be a numeric value']],
  ] as [string, unknown, string[]][])('entry %# of %s', (key, value, messages) => {
    expect(faults({ values: { [key]: value } })).toEqual(messages.length > 0 ? { values: messages } : {});
  });
});

describe('limits', () => {
  const request = 'A request must not be more than its limit';

  it.each([
    ...['1G', '20gb', '0', '0/100MB', '1G/2G', '512k', '1g/1024M'].map((limit): [string, string, string[]] => ['memory', limit, []]),
    ...['10', '20MK', '', '-1G', '1G/', '1G/2', '1.5G', '1 G'].map((limit): [string, string, string[]] => ['memory', limit, [MEMORY]]),
    ['memory', '2G/1G', [request]],
    ['memory', '1048577G', ['Memory limits can be at most 1048576G']],
    ...['1024', '0.5', '.123', '200m', '500m/600m', '0.5/600m', '+1'].map((limit): [string, string, string[]] => ['cpu', limit, []]),
    ...['m', '.', '20MK', '-1', '-100m/1', '1/-1', '1M', ''].map((limit): [string, string, string[]] => ['cpu', limit, [CPU]]),
    ['cpu', '1/500m', [request]],
    ['cpu', '9'.repeat(400), ['CPU limits can be at most 1000000']],
  ] as [string, string, string[]][])('entry %# of %s', (field, limit, messages) => {
    expect(faults({ [field]: { web: limit } })).toEqual(messages.length > 0 ? { [field]: messages } : {});
  });

  it.each(['web', 'a-b', '1', 'run', 'constructor'])('of type %s are taken', (type) => {
    expect(faults({ memory: { [type]: '1G' }, cpu: { [type]: 1 }, termination_grace_period: { [type]: 30 } })).toEqual({});
  });

  it.each(['Web', 'a_b', '-a', 'a-', 'a--b', '', 'web/cmd'])('of type %j are refused', (type) => {
    expect(faults({ memory: { [type]: '1G' }, lifecycle_post_start: { [type]: 'x' } })).toEqual({
      memory: [TYPE],
      lifecycle_post_start: [TYPE],
    });
  });
});

describe('grace periods and hooks', () => {
  it.each(['', 'x', '1.5', '-1', '30s'])('%j seconds are refused', (seconds) => {
    expect(faults({ termination_grace_period: { web: seconds } })).toEqual({
      termination_grace_period: ['Termination Grace Period format: <value>, where value must be a numeric'],
    });
  });

  it('more than a week is refused', () => {
    expect(faults({ termination_grace_period: { web: 604_801 } })).toEqual({
      termination_grace_period: ['Termination Grace Periods can be at most 604800 seconds'],
    });
  });

  it('a blank hook is refused', () => {
    expect(faults({ lifecycle_pre_stop: { web: ' ' } })).toEqual({ lifecycle_pre_stop: ["Command can't be empty for process type"] });
  });
});

describe('tags', () => {
  const prefix = 'Tag key prefixes must be DNS subdomains.';
  const name = 'Tag keys must be alphanumeric or "-_.", and 1-63 characters.';
  const value = 'Tag values must be alphanumeric or "-_.", and 1-63 characters.';

  it.each([
    ['ssd', 'true', []],
    ['ssd', '', []],
    ['host.the-name.com/does.not_exist', 'v', []],
    [`${'a'.repeat(253)}/x`, 'v', []],
    [`${'a'.repeat(254)}/x`, 'v', ['Tag key prefixes must 253 characters or less.']],
    ['a/b/c', 'v', [prefix]],
    ['/b', 'v', [prefix]],
    ['Upper/b', 'v', [prefix]],
    ['-a/b', 'v', [prefix]],
    ['a/', 'v', [name]],
    ['a,b', 'v', [name]],
    ['', 'v', [name]],
    ['x'.repeat(63), 'y'.repeat(63), []],
    ['x'.repeat(64), 'y'.repeat(64), [name, value]],
    ['a', 'in\nvalid', [value]],
    ['a', 'invalid.', [value]],
    ['a', 'valid\n', [value]],
  ] as [string, string, string[]][])('entry %#', (key, text, messages) => {
    expect(faults({ tags: { [key]: text } })).toEqual(messages.length > 0 ? { tags: messages } : {});
  });
});

describe('healthchecks', () => {
  const get = { httpGet: { path: '/', port: 80 } };

  it('are taken as they are, in one order', () => {
    const probe = {
      failureThreshold: 3,
      initialDelaySeconds: 0,
      httpGet: { httpHeaders: [{ name: 'X-A', value: 'b' }], scheme: 'https', port: 80, path: '/', host: 'a' },
    };
    const { healthcheck } = parseConfigPatch({ healthcheck: { web: { livenessProbe: probe, readinessProbe: null }, worker: null } });
    expect(JSON.stringify(healthcheck)).toBe(
      '{"web":{"livenessProbe":{"httpGet":{"path":"/","port":80,"host":"a","scheme":"HTTPS","httpHeaders":[{"name":"X-A","value":"b"}]},' +
        '"initialDelaySeconds":0,"failureThreshold":3},"readinessProbe":null},"worker":null}',
    );
  });

  it('without a type are those of web/cmd', () => {
    const readinessProbe = { tcpSocket: { port: 1 } };
    expect(
      parseConfigPatch({ healthcheck: { livenessProbe: get, 'web/cmd': { readinessProbe }, worker: { livenessProbe: get } } }).healthcheck,
    ).toEqual({
      'web/cmd': { livenessProbe: get, readinessProbe },
      worker: { livenessProbe: get },
    });
  });

  it.each([
    [{ exec: { command: ['a', 'b'] }, periodSeconds: 5 }, []],
    [{ tcpSocket: { port: 5000 }, exec: null }, []],
    [{}, ['exactly one of exec, httpGet, tcpSocket is required']],
    [{ ...get, tcpSocket: { port: 1 } }, ['exactly one of exec, httpGet, tcpSocket is required']],
    [{ httpGet: { path: '/' } }, ['httpGet.port is required']],
    [{ httpGet: { port: '80' } }, ['httpGet.port must be an integer between 1 and 65535']],
    [{ httpGet: { port: 65536, path: 5 } }, ['httpGet.path must be a string', 'httpGet.port must be an integer between 1 and 65535']],
    [{ httpGet: { port: 1, scheme: 'ftp' } }, ['httpGet.scheme must be HTTP or HTTPS']],
    [{ httpGet: { port: 1, httpHeaders: {} } }, ['httpGet.httpHeaders must be a list']],
    [
      { httpGet: { port: 1, httpHeaders: [{ name: 'a b', value: '' }] } },
      ['httpGet.httpHeaders must be a list of {"name", "value"}, with names of letters, digits and hyphens'],
    ],
    [{ exec: { command: [] } }, ['exec.command must be a list of at least one string']],
    [{ exec: { command: ['a', 1] } }, ['exec.command must be a list of at least one string']],
    [{ exec: { command: 'ls' } }, ['exec.command must be a list', 'exec.command must be a list of at least one string']],
    [{ exec: 'ls' }, ['exec must be an object']],
    [{ ...get, initialDelaySeconds: 't' }, ['initialDelaySeconds must be an integer between 0 and 2147483647']],
    [
      { ...get, timeoutSeconds: 1.5, periodSeconds: -1 },
      ['timeoutSeconds', 'periodSeconds'].map((x) => `${x} must be an integer between 0 and 2147483647`),
    ],
    [
      { ...get, grpc: {} },
      [
        'grpc is not known here, only exec, httpGet, tcpSocket, initialDelaySeconds, timeoutSeconds, periodSeconds, successThreshold, failureThreshold',
      ],
    ],
  ] as [object, string[]][])('%j', (livenessProbe, reasons) => {
    const messages = reasons.map((reason) => `could not validate livenessProbe: ${reason}`);
    expect(faults({ healthcheck: { web: { livenessProbe } } })).toEqual(messages.length > 0 ? { healthcheck: messages } : {});
  });

  it('succeed once for liveness, as often as wished for readiness', () => {
    const probes = { livenessProbe: { ...get, successThreshold: 2 }, readinessProbe: { ...get, successThreshold: 2 } };
    expect(faults({ healthcheck: { web: probes } })).toEqual({ healthcheck: ['livenessProbe successThreshold can only be 1'] });
  });

  it.each([
    [{ web: 'x' }, ['The healthchecks of web must be an object, or null to unset them']],
    [{ web: { livenessProbe: 5 } }, ['could not validate livenessProbe: it must be an object, or null to unset it']],
    [{ Web: { livenessProbe: get } }, [TYPE]],
    [{ 'No Type': null }, []],
  ] as [object, string[]][])('%j as a whole', (healthcheck, messages) => {
    expect(faults({ healthcheck })).toEqual(messages.length > 0 ? { healthcheck: messages } : {});
  });
});
