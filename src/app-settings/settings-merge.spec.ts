import { Conflict, InvalidFields, Unprocessable } from '../http/errors.ts';
import {
  addAddresses,
  changedFields,
  mergeSettings,
  removeAddresses,
  workOf,
  type SettingsContent,
  type SettingsPatch,
} from './settings-merge.ts';

const rule = { min: 2, max: 5, cpu_percent: 80 };
const base: SettingsContent = {
  maintenance: false,
  routable: true,
  whitelist: ['10.0.0.1', '10.0.0.2'],
  autoscale: { web: rule },
  label: { team: 'search' },
};
const nothing = new Conflict('ada changed nothing');

describe('merging', () => {
  it.each([
    [{ maintenance: true }, { maintenance: true }],
    [{ routable: false }, { routable: false }],
    [{ whitelist: [] }, { whitelist: [] }],
    [{ whitelist: ['b', 'a', 'b'] }, { whitelist: ['b', 'a'] }],
    [{ autoscale: { worker: rule } }, { autoscale: { web: rule, worker: rule } }],
    [{ autoscale: { web: null } }, { autoscale: {} }],
    [{ autoscale: { web: { ...rule, max: 6 } } }, { autoscale: { web: { ...rule, max: 6 } } }],
    [{ label: { team: null, tier: 'gold' } }, { label: { tier: 'gold' } }],
    [{ label: { constructor: 'x' } }, { label: { team: 'search', constructor: 'x' } }],
  ] as [SettingsPatch, Partial<SettingsContent>][])('%j is taken over, the rest stays', (patch, changed) => {
    expect(mergeSettings(base, patch, 'ada')).toEqual({ ...base, ...changed });
  });

  it.each([
    {},
    { maintenance: false, routable: true },
    { whitelist: ['10.0.0.1', '10.0.0.2', '10.0.0.1'] },
    { autoscale: { web: { cpu_percent: 80, max: 5, min: 2 } } },
    { label: { team: 'search' } },
  ] as SettingsPatch[])('%j changes nothing', (patch) => {
    expect(() => mergeSettings(base, patch, 'ada')).toThrow(nothing);
  });

  it.each([
    [{ autoscale: { worker: null } }, 'worker does not exist under autoscale'],
    [{ label: { toString: null } }, 'toString does not exist under label'],
  ] as unknown as [SettingsPatch, string][])('%j takes away what is not there', (patch, message) => {
    expect(() => mergeSettings(base, patch, 'ada')).toThrow(new Unprocessable(message));
  });

  it('maps that grow too large are refused', () => {
    expect(() => mergeSettings(base, { label: { essay: 'x'.repeat(65_536) } }, 'ada')).toThrow(InvalidFields);
    const autoscale = Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`worker${String(number)}`, rule]));
    expect(() => mergeSettings(base, { autoscale }, 'ada')).toThrow(InvalidFields);
  });
});

describe('the whitelist', () => {
  it('takes what is new at its end, each once', () => {
    expect(addAddresses(base.whitelist, ['::1', '10.0.0.2', '::1'], 'ada')).toEqual(['10.0.0.1', '10.0.0.2', '::1']);
  });

  it.each([[[]], [['10.0.0.2']]])('%j is nothing new', (addresses) => {
    expect(() => addAddresses(base.whitelist, addresses, 'ada')).toThrow(nothing);
  });

  it('can only get so long', () => {
    const full = Array.from({ length: 1000 }, (_, number) => `2001:db8::${number.toString(16)}`);
    expect(() => addAddresses(full, ['::1'], 'ada')).toThrow(
      new InvalidFields({ addresses: ['A whitelist can have at most 1000 addresses'] }),
    );
  });

  it('loses what is named and keeps its order', () => {
    expect(removeAddresses(['c', 'a', 'b'], ['a', 'a'], 'ada')).toEqual(['c', 'b']);
  });

  it('refuses to lose what it does not have, or nothing', () => {
    const message = "addresses {'::1', '::2'} does not exist in whitelist";
    expect(() => removeAddresses(base.whitelist, ['::1', '10.0.0.1', '::2'], 'ada')).toThrow(new Unprocessable(message));
    expect(() => removeAddresses(base.whitelist, [], 'ada')).toThrow(nothing);
  });
});

it.each([
  [{ label: {} }, true, null],
  [{ label: {} }, false, 'routing'],
  [{ maintenance: true, label: {} }, true, 'routing'],
  [{ whitelist: [] }, true, 'routing'],
  [{ autoscale: {} }, true, 'routing'],
  [{ routable: false, maintenance: true }, true, 'deploy'],
] as [Partial<SettingsContent>, boolean, string | null][])(
  'changing %j on settings settled %s is work of kind %s',
  (change, settled, kind) => {
    expect(workOf({ ...base, settled }, { ...base, ...change })).toBe(kind);
  },
);

it('the fields that differ are named', () => {
  expect(changedFields(base, { ...base, whitelist: [], routable: false })).toEqual(['routable', 'whitelist']);
});
