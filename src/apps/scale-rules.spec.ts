import { BadRequest, Conflict, NotFound } from '../http/errors.ts';
import { assertNotAutoscaled, parseScale, parseTypes, storedCounts } from './scale-rules.ts';

const types = ['cmd', 'constructor', 'run', 'web', 'worker'];

it.each([
  [{}, {}],
  [
    { web: 3, worker: 0 },
    { web: 3, worker: 0 },
  ],
  [
    { web: '2', cmd: '0010' },
    { web: 2, cmd: 10 },
  ],
  [{ constructor: 1 }, { constructor: 1 }],
  [{ web: 10_000 }, { web: 10_000 }],
])('%j scales', (body, counts) => {
  expect(parseScale(body, types)).toEqual(counts);
});

it.each([
  [{ web: -1 }, 'web: Must be greater than or equal to zero'],
  [{ web: '-1' }, 'web: Must be greater than or equal to zero'],
  [{ web: 'many', worker: -1, cmd: 1 }, 'web: Must be a whole number, worker: Must be greater than or equal to zero'],
  ...[1.5, '1.5', '', ' 1', '1e3', '0x1', null, true, [], [1], {}].map((web): [object, string] => [{ web }, 'web: Must be a whole number']),
  [{ web: 10_001 }, 'web: Must be less than or equal to 10000'],
  [{ web: '99999999999999999999' }, 'web: Must be less than or equal to 10000'],
  [{ nothing: 'x' }, 'nothing: Must be a whole number'],
  [[], 'Must be an object of process types and counts'],
] as [unknown, string][])('%j is refused', (body, message) => {
  expect(() => parseScale(body, types)).toThrow(new BadRequest(`Invalid scaling format: ${message}`));
});

it.each(['foo', 'Web', 'run', 'toString'])('a type %s that is not there is refused, with all the others', (type) => {
  expect(() => parseScale({ web: 1, [type]: 1 }, types)).toThrow(new NotFound(`Container type ${type} does not exist in application`));
});

it('a type that the autoscaler scales is refused with its range, others are not', () => {
  const autoscale = { web: { min: 2, max: 5, cpu_percent: 80 } };
  expect(() => {
    assertNotAutoscaled(['worker', 'web'], autoscale);
  }).toThrow(new Conflict('web is autoscaled between 2 and 5 pods: change or remove its autoscale rule instead'));
  expect(() => {
    assertNotAutoscaled(['worker', 'constructor'], autoscale);
  }).not.toThrow();
});

it.each([undefined, null, []])('stop and start need types, not %j', (sent) => {
  expect(() => parseTypes(sent)).toThrow(new BadRequest('types is a required field'));
});

it('stop and start take each type once, with the count that it has', () => {
  const rows = new Map([
    ['web', { count: 2 }],
    ['constructor', { count: 1 }],
    ['worker', { count: 0 }],
  ]);
  expect(storedCounts(parseTypes(['web', 'constructor', 'web']), types, rows, {})).toEqual([
    { type: 'web', count: 2 },
    { type: 'constructor', count: 1 },
  ]);
  expect(() => storedCounts(['worker', 'web', 'cmd'], types, rows, {})).toThrow(new BadRequest('process worker, cmd replicas is zero'));
  for (const type of ['foo', 'run', 'toString']) {
    expect(() => storedCounts(['worker', type], types, rows, {})).toThrow(
      new NotFound(`Container type ${type} does not exist in application`),
    );
  }
});

it('a type that is autoscaled has pods to stop whatever its count, if it is in the structure', () => {
  const rule = { min: 1, max: 2, cpu_percent: 80 };
  const rows = new Map([['worker', { count: 0 }]]);
  expect(storedCounts(['worker'], types, rows, { worker: rule })).toEqual([{ type: 'worker', count: 0 }]);
  expect(() => storedCounts(['web'], types, rows, { web: rule })).toThrow(new BadRequest('process web replicas is zero'));
});
