import { BadRequest, Unprocessable } from '../http/errors.ts';
import { emptyConfig, type ConfigContent, type ConfigPatch } from './config-content.ts';
import { mergeConfig } from './config-merge.ts';

const config = (content: Partial<ConfigContent>): ConfigContent => ({ ...emptyConfig(), ...content });
const get = (port: number) => ({ httpGet: { path: '/', port } });

describe('merging a config', () => {
  it('sets, unsets and inherits, with sorted keys, and leaves its input alone', () => {
    const base = config({ values: { B: '1', D: '1' }, memory: { web: '1G' }, tags: { ssd: 'true' } });
    const merged = mergeConfig(base, { values: { A: '1', B: '2', D: null }, memory: { cmd: '2G' }, tags: {} });
    expect(JSON.stringify(merged)).toBe(
      JSON.stringify(config({ values: { A: '1', B: '2' }, memory: { cmd: '2G', web: '1G' }, tags: { ssd: 'true' } })),
    );
    expect(base.values).toEqual({ B: '1', D: '1' });
  });

  it.each([
    [{ values: { GONE: null } }, 'GONE does not exist under values'],
    [{ values: { constructor: null } }, 'constructor does not exist under values'],
    [{ terminationGracePeriod: { web: null } }, 'web does not exist under termination_grace_period'],
    [{ lifecyclePostStart: { web: null } }, 'web does not exist under lifecycle_post_start'],
    [{ healthcheck: { worker: null } }, 'worker does not exist under healthcheck'],
    [{ healthcheck: { worker: { livenessProbe: null } } }, 'worker does not exist under healthcheck'],
    [{ healthcheck: { web: { readinessProbe: null } } }, 'web does not exist under healthcheck'],
  ] as [ConfigPatch, string][])('refuses to unset what is not there: %j', (patch, message) => {
    const base = config({ values: { A: '1' }, healthcheck: { web: { livenessProbe: get(1) } } });
    expect(() => mergeConfig(base, patch)).toThrow(new Unprocessable(message));
  });
});

describe('merging healthchecks', () => {
  const base = config({ healthcheck: { web: { livenessProbe: get(1), readinessProbe: get(1) }, worker: { livenessProbe: get(1) } } });

  it.each([
    [
      'replaces a probe whole',
      { web: { livenessProbe: { tcpSocket: { port: 2 } } } },
      { web: { livenessProbe: { tcpSocket: { port: 2 } }, readinessProbe: get(1) } },
    ],
    ['takes a probe away', { web: { livenessProbe: null } }, { web: { readinessProbe: get(1) } }],
    ['takes a type away', { web: null }, {}],
    ['takes a type away with its last probe', { web: { livenessProbe: null, readinessProbe: null } }, {}],
    ['keeps no entry without probes', { cmd: {} }, { web: base.healthcheck['web'] }],
  ] as [string, ConfigPatch['healthcheck'], ConfigContent['healthcheck']][])('%s', (_title, healthcheck, rest) => {
    expect(mergeConfig(base, { healthcheck }).healthcheck).toEqual({ ...rest, worker: { livenessProbe: get(1) } });
  });
});

describe('healthchecks by variables', () => {
  it('become both probes of web/cmd with the defaults', () => {
    const merged = mergeConfig(config({ values: { A: '1' } }), { values: { HEALTHCHECK_URL: '/health' } });
    const probe = {
      httpGet: { path: '/health' },
      initialDelaySeconds: 50,
      timeoutSeconds: 50,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    };
    expect(merged.values).toEqual({ A: '1' });
    expect(merged.healthcheck).toEqual({ 'web/cmd': { livenessProbe: probe, readinessProbe: probe } });
  });

  it('take their numbers from the merged values, but liveness succeeds once', () => {
    const base = config({
      values: { HEALTHCHECK_TIMEOUT: '7', HEALTHCHECK_SUCCESS_THRESHOLD: '2' },
      healthcheck: { web: { livenessProbe: get(1) } },
    });
    const merged = mergeConfig(base, {
      values: {
        HEALTHCHECK_URL: '/h',
        HEALTHCHECK_INITIAL_DELAY: '1',
        HEALTHCHECK_PERIOD_SECONDS: '2',
        HEALTHCHECK_FAILURE_THRESHOLD: '4',
      },
    });
    const probe = {
      httpGet: { path: '/h' },
      initialDelaySeconds: 1,
      timeoutSeconds: 7,
      periodSeconds: 2,
      successThreshold: 1,
      failureThreshold: 4,
    };
    expect(merged.values).toEqual({});
    expect(merged.healthcheck).toEqual({
      web: { livenessProbe: get(1) },
      'web/cmd': { livenessProbe: probe, readinessProbe: { ...probe, successThreshold: 2 } },
    });
  });

  it('stay variables without HEALTHCHECK_URL', () => {
    expect(mergeConfig(emptyConfig(), { values: { HEALTHCHECK_TIMEOUT: '7' } }).values).toEqual({ HEALTHCHECK_TIMEOUT: '7' });
  });
});

describe('a merged config is refused', () => {
  it('with a registry but no PORT, whichever of them changed', () => {
    const error = new BadRequest('PORT needs to be set in the config when using a private registry');
    expect(() => mergeConfig(emptyConfig(), { registry: { username: 'u' } })).toThrow(error);
    const base = config({ values: { PORT: '80' }, registry: { username: 'u' } });
    expect(() => mergeConfig(base, { values: { PORT: null } })).toThrow(error);
    expect(mergeConfig(base, { values: { PORT: null }, registry: { username: null } }).registry).toEqual({});
  });

  it('when it is larger than a Secret can hold', () => {
    const values = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`K${i}`, 'x'.repeat(100 * 1024 - 2)]));
    expect(() => mergeConfig(config({ values }), {})).not.toThrow();
    expect(() => mergeConfig(config({ values }), { values: { A: '' } })).toThrow(
      new BadRequest('The config would hold 901 KiB, which is more than fits: at most 900 KiB.'),
    );
  });

  it('when it has more variables than a Deployment can hold', () => {
    const values = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`K${String(i).padStart(9, '0')}`, '']));
    expect(() => mergeConfig(config({ values: values(4347) }), {})).not.toThrow();
    expect(() => mergeConfig(config({ values: values(4348) }), {})).toThrow('The config would have 4348 values, which are more than');
  });

  it('when its hooks would not fit', () => {
    const lifecyclePreStop = { a: 'x'.repeat(130_000), b: 'x'.repeat(130_000), c: 'x'.repeat(3000) };
    expect(() => mergeConfig(config({ lifecyclePreStop }), {})).toThrow(/would take 257 KiB: at most 256 KiB/);
  });
});
