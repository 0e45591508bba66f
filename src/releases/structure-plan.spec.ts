import type { BuildSnapshot } from '../deploy/snapshot.ts';
import { planStructure, type Structure } from './structure-plan.ts';

const make = (flavour: Partial<BuildSnapshot>, ...types: string[]): BuildSnapshot => ({
  uuid: types.join(),
  image: 'i',
  sha: '',
  dockerfile: '',
  procfile: Object.fromEntries(types.map((type) => [type, 'run'])),
  ...flavour,
});
const image = (...types: string[]): BuildSnapshot => make({}, ...types);
const dockerfile = (...types: string[]): BuildSnapshot => make({ sha: 'abc', dockerfile: 'FROM x' }, ...types);
const buildpack = (...types: string[]): BuildSnapshot => make({ sha: 'abc' }, ...types);

describe('the structure of a roll-out', () => {
  it.each([
    ['first image', null, image(), {}, { cmd: 1 }],
    ['first image with web', null, image('web', 'worker'), {}, { web: 1 }],
    ['first image without web', null, image('worker'), {}, { cmd: 1 }],
    ['first dockerfile', null, dockerfile('worker'), {}, { cmd: 1 }],
    ['first slug with web', null, buildpack('web'), {}, { web: 1 }],
    ['first slug without web', null, buildpack('worker'), {}, {}],
    ['first slug without Procfile', null, buildpack(), {}, { web: 1 }],
    ['first build, scaled before it came up', null, image('web', 'worker'), { worker: 2 }, { web: 1, worker: 2 }],
    ['first build, stopped before it came up', null, image('web'), { web: 0 }, { web: 0 }],
    ['next build', image('web', 'worker'), image('web', 'worker'), { web: 3, worker: 0 }, { web: 3, worker: 0 }],
    ['type removed', image('web', 'worker'), image('web'), { web: 3, worker: 2 }, { web: 3, worker: 0 }],
    ['Procfile removed', image('web'), image(), { web: 3, cmd: 2 }, { cmd: 2, web: 0 }],
    ['type added', image('web'), image('web', 'worker'), { web: 3 }, { web: 3 }],
    ['slug to image', buildpack('web', 'worker'), image(), { web: 3, worker: 1 }, { cmd: 1, web: 0, worker: 0 }],
    ['image to slug', image(), buildpack('web'), { cmd: 4 }, { cmd: 0, web: 1 }],
    [
      'slug to dockerfile, both with web',
      buildpack('web', 'worker'),
      dockerfile('web', 'worker'),
      { web: 3, worker: 2 },
      { web: 1, worker: 2 },
    ],
    ['undeployed', image('web'), null, { web: 3 }, { web: 3 }],
    ['never deployed', null, null, {}, {}],
    ['back to a build without web', image('web'), image(), { web: 2 }, { web: 0 }],
  ] as [string, BuildSnapshot | null, BuildSnapshot | null, Structure, Structure][])(
    '%s',
    (_title, previous, candidate, current, planned) => {
      expect(JSON.stringify(planStructure(previous, candidate, current))).toBe(JSON.stringify(planned));
    },
  );
});
