import { autoscaleFaults, readAutoscale } from './autoscale-rules.ts';

const rule = { min: 2, max: 5, cpu_percent: 80 };

it.each([{}, { web: rule }, { web: null, 'nightly-jobs': { min: 1, max: 1, cpu_percent: 100 } }, { web: { ...rule, more: 'x' } }])(
  '%j is a set of rules',
  (rules) => {
    expect(autoscaleFaults(rules)).toEqual([]);
  },
);

it.each([
  [{ web: 'x' }, ['could not validate "x": not an object with min, max and cpu_percent']],
  [{ web: [] }, ['could not validate []: not an object with min, max and cpu_percent']],
  [
    { web: { min: '2', max: 2.5 } },
    [
      `could not validate {"min":"2","max":2.5}: 'min' is not an integer`,
      `could not validate {"min":"2","max":2.5}: 'max' is not an integer`,
      `could not validate {"min":"2","max":2.5}: 'cpu_percent' is a required property`,
    ],
  ],
  [{ web: { ...rule, min: 0 } }, ['min replicas needs to be 1 or higher']],
  [{ web: { ...rule, max: 1 } }, ['max replicas can not be smaller than min replicas']],
  [
    { web: { min: -1, max: -2, cpu_percent: 0 } },
    [
      'min replicas needs to be 1 or higher',
      'max replicas can not be smaller than min replicas',
      'cpu percent needs to be between 1 and 100000',
    ],
  ],
  [{ web: { ...rule, max: 10_001 } }, ['max replicas can not be more than 10000']],
  [{ web: { ...rule, min: 0 }, worker: { ...rule, min: 0 } }, ['min replicas needs to be 1 or higher']],
  [{ 'Web!': null }, ['Process types can only contain lowercase alphanumeric characters']],
])('%j is refused', (rules, faults) => {
  expect(autoscaleFaults(rules)).toEqual(faults);
});

it('rules are kept with their three numbers and nothing else', () => {
  expect(readAutoscale({ web: { ...rule, more: 'x' }, worker: null })).toEqual({ web: rule, worker: null });
});
