import { emptyConfig } from '../config/config-content.ts';
import { BadRequest, Conflict, NotFound, Unprocessable } from '../http/errors.ts';
import { fold, type FoldBuild, type FoldContext, type FoldState } from './fold.ts';

const build = (uuid: string, procfile: Record<string, string> = {}): FoldBuild => ({
  uuid,
  owner: 'bea',
  image: `local/${uuid}`,
  sha: '',
  dockerfile: '',
  procfile,
});
const context = (given: Partial<FoldContext> = {}): FoldContext => ({
  version: 9,
  author: 'ada',
  procfilePolicy: { rejectIfMissing: false, removeIfMissing: true },
  rollbackToBuildless: true,
  ...given,
});
const head: FoldState = {
  version: 4,
  config: { ...emptyConfig(), values: { A: '1' } },
  configOwner: 'otto',
  build: build('one', { web: 'run' }),
};

describe('folding', () => {
  it('the first release gives an empty config and no build', () => {
    expect(fold(null, { kind: 'create' }, context({ version: 1 }))).toEqual({
      version: 1,
      config: emptyConfig(),
      configOwner: 'ada',
      build: null,
    });
  });

  it('a config merges onto the head, and keeps its build', () => {
    const state = fold(head, { kind: 'config', patch: { values: { B: '2' } } }, context());
    expect(state).toEqual({ version: 9, config: { ...emptyConfig(), values: { A: '1', B: '2' } }, configOwner: 'ada', build: head.build });
  });

  it('a config that does not fit the head is refused', () => {
    expect(() => fold(head, { kind: 'config', patch: { values: { B: null } } }, context())).toThrow(
      new Unprocessable('B does not exist under values'),
    );
  });

  it('again, onto the head before a failed one, takes nothing of the failed one along', () => {
    const change = { kind: 'config', patch: { values: { C: '3' } } } as const;
    const failing = fold(head, { kind: 'config', patch: { values: { BAD: 'x' } } }, context({ version: 5 }));
    expect(fold(failing, change, context({ version: 6 })).config.values).toEqual({ A: '1', BAD: 'x', C: '3' });
    expect(fold(head, change, context({ version: 6 })).config.values).toEqual({ A: '1', C: '3' });
  });

  it('a build keeps the config and its owner', () => {
    const two = build('two');
    expect(fold(head, { kind: 'build', build: 'two', procfile: { worker: 'x' } }, context({ build: two }))).toEqual({
      ...head,
      version: 9,
      build: { ...two, procfile: { worker: 'x' } },
    });
  });

  const web = { web: 'run' };
  it.each([
    ['is removed', web, {}, false, true, {}],
    ['is inherited', web, {}, false, false, web],
    ['is replaced', web, { worker: 'x' }, true, false, { worker: 'x' }],
    ['is no fault where there was none', {}, {}, true, true, {}],
  ] as [string, Record<string, string>, Record<string, string>, boolean, boolean, Record<string, string>][])(
    'a build whose Procfile %s',
    (_title, previous, procfile, rejectIfMissing, removeIfMissing, effective) => {
      const before = { ...head, build: build('one', previous) };
      const given = context({ build: build('two'), procfilePolicy: { rejectIfMissing, removeIfMissing } });
      expect(fold(before, { kind: 'build', build: 'two', procfile }, given).build?.procfile).toEqual(effective);
    },
  );

  it('a build that lacks its Procfile is refused where the platform says so', () => {
    const given = context({ build: build('two'), procfilePolicy: { rejectIfMissing: true, removeIfMissing: true } });
    expect(() => fold(head, { kind: 'build', build: 'two', procfile: {} }, given)).toThrow(
      new Conflict('Last deployment had a Procfile but is missing in this deploy. For a successful deployment provide a Procfile.'),
    );
  });

  it('a build is measured by the head that it is folded onto, not the one it was committed on', () => {
    const policy = { rejectIfMissing: false, removeIfMissing: false };
    const change = { kind: 'build', build: 'three', procfile: {} } as const;
    const failed = fold(head, { kind: 'build', build: 'two', procfile: { worker: 'x' } }, context({ build: build('two') }));
    const given = context({ build: build('three'), procfilePolicy: policy });
    expect(fold(failed, change, given).build?.procfile).toEqual({ worker: 'x' });
    expect(fold(head, change, given).build?.procfile).toEqual(web);
  });

  it('a rollback takes build, config and config owner of its target', () => {
    const target = {
      version: 2,
      config: { ...emptyConfig(), values: { OLD: '1' } },
      configOwner: 'eve',
      build: build('zero'),
      failed: false,
    };
    expect(fold(head, { kind: 'rollback', version: 2 }, context({ target }))).toEqual({
      version: 9,
      config: target.config,
      configOwner: 'eve',
      build: target.build,
    });
  });

  it.each([
    ['to a failed release', { ...head, failed: true }, true, new BadRequest('Cannot roll back to failed release.')],
    ['to a release that is not there', null, true, new NotFound('No Release matches the given query.')],
    [
      'to a release without build, where denied',
      { ...head, build: null, failed: false },
      false,
      new BadRequest('Cannot roll back to initial release.'),
    ],
  ] as [string, FoldContext['target'], boolean, Error][])('a rollback %s is refused', (_title, target, rollbackToBuildless, error) => {
    expect(() => fold(head, { kind: 'rollback', version: 2 }, context({ target, rollbackToBuildless }))).toThrow(error);
  });

  it('a rollback to a release without build takes the build away, where allowed', () => {
    const target = { ...head, build: null, failed: false };
    expect(fold(head, { kind: 'rollback', version: 1 }, context({ target })).build).toBeNull();
  });
});
