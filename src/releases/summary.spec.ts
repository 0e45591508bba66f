import { emptyConfig, type ConfigContent } from '../config/config-content.ts';
import type { Change } from './change.ts';
import type { FoldBuild, FoldState } from './fold.ts';
import { changesNothing, failedSummary, summary } from './summary.ts';

const build = (uuid: string, sha = ''): FoldBuild => ({ uuid, owner: 'bea', image: 'local/web:1', sha, dockerfile: '', procfile: {} });
const state = (config: Partial<ConfigContent>, given: Partial<FoldState> = {}): FoldState => ({
  version: 2,
  config: { ...emptyConfig(), ...config },
  configOwner: 'cleo',
  build: null,
  ...given,
});
const change: Change = { kind: 'config', patch: {} };
const probe = { tcpSocket: { port: 1 }, periodSeconds: 2 };

describe('the summary of a release', () => {
  it('of the first one', () => {
    expect(summary(null, { kind: 'create' }, state({}), 'ada')).toBe('ada created initial release');
  });

  it('of a rollback', () => {
    expect(summary(state({ values: { A: '1' } }), { kind: 'rollback', version: 3 }, state({}), 'ada')).toBe('ada rolled back to v3');
  });

  it.each([
    ['build by image', state({}), state({}, { build: build('1') }), 'bea deployed local/web:1'],
    ['build by sha', state({}), state({}, { build: build('1', 'abcdef0123') }), 'bea deployed abcdef0'],
    ['the same build', state({}, { build: build('1') }), state({}, { build: build('1') }), 'ada changed nothing'],
    [
      'values',
      state({ values: { Z: '1', D: '1', C: '1', X: '1' } }),
      state({ values: { B: '1', A: '1', C: '2', X: '1' } }),
      'cleo added A, B, changed C, deleted D, Z',
    ],
    ['limits', state({ memory: { web: '1G' } }), state({ cpu: { web: '1' } }), 'cleo changed limits for memory, cpu'],
    ['one limit', state({}), state({ cpu: { web: '1' } }), 'cleo changed limits for cpu'],
    ['tags', state({ tags: { x: '1', z: '1' } }), state({ tags: { x: '2', y: '1' } }), 'cleo added tag y, changed tag x, deleted tag z'],
    ['registry', state({}), state({ registry: { username: 'u', password: 'p' } }), 'cleo added registry info password, username'],
    [
      'healthchecks',
      state({ healthcheck: { cmd: { livenessProbe: { periodSeconds: 2, tcpSocket: { port: 1 } } } } }),
      state({ healthcheck: { cmd: { livenessProbe: probe }, web: { livenessProbe: probe } } }),
      'cleo added healthcheck info for proc type web',
    ],
    ['grace periods', state({}), state({ terminationGracePeriod: { web: '5' } }), 'cleo changed timeouts for termination_grace_period'],
    ['hooks', state({}), state({ lifecyclePreStop: { web: 'x' } }), 'cleo changed hooks for lifecycle_pre_stop'],
    [
      'several things',
      state({}),
      state({ values: { A: '1' }, memory: { web: '1G' }, tags: { x: '1' } }, { build: build('1') }),
      'bea deployed local/web:1 and cleo added A and cleo changed limits for memory and cleo added tag x',
    ],
  ] as [string, FoldState, FoldState, string][])('of %s', (_title, before, after, text) => {
    expect(summary(before, change, after, 'ada')).toBe(text);
    expect(changesNothing(before, change, after)).toBe(text === 'ada changed nothing');
  });

  it('never takes a rollback for nothing', () => {
    expect(changesNothing(state({}), { kind: 'rollback', version: 1 }, state({}))).toBe(false);
  });

  it.each([
    [{ kind: 'config', patch: {} }, 'ada deployed a config that failed'],
    [{ kind: 'build', build: '0123456789', procfile: {} }, 'ada deployed 0123456 which failed'],
    [{ kind: 'rollback', version: 2 }, 'ada performed roll back to a release that failed'],
  ] as [Change, string][])('of a failed %j', (failed, text) => {
    expect(failedSummary(failed, 'ada')).toBe(text);
  });
});
