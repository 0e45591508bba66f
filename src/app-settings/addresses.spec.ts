import { addressFaults, isAddressOrNetwork } from './addresses.ts';

it.each([
  '1.2.3.4',
  '0.0.0.0/0',
  '10.0.0.0/8',
  '192.168.1.7/32',
  '192.168.1.128/25',
  '::1',
  '::/0',
  '2001:db8::/32',
  '2001:DB8::1',
  '2001:db8::1/128',
  '::ffff:1.2.3.4',
  'fe80::/10',
])('%s is an address or a network', (text) => {
  expect(isAddressOrNetwork(text)).toBe(true);
});

it.each([
  '',
  ' ',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '0x7f.0.0.1',
  ' 1.2.3.4',
  '1.2.3.4\n',
  '1.2.3.4/',
  '1.2.3.4/33',
  '1.2.3.0/024',
  '1.2.3.4/-1',
  '1.2.3.4/8',
  '10.0.0.0/255.0.0.0',
  '10.0.0.0/8/8',
  '10.0.0.0/8,11.0.0.0/8',
  '2001:db8::1/32',
  '::1/129',
  'fe80::1%eth0',
  ':::',
  'example.com',
])('%j is neither', (text) => {
  expect(isAddressOrNetwork(text)).toBe(false);
});

it('every fault of a list is told once', () => {
  expect(addressFaults(['1.2.3.4', 'x', '::g', 'x'])).toEqual(['The address x is not valid', 'The address ::g is not valid']);
  expect(addressFaults(['y'.repeat(100)])).toEqual([`The address ${'y'.repeat(60)}… is not valid`]);
  expect(addressFaults(Array.from({ length: 1001 }, () => 'x'))).toEqual(['A whitelist can have at most 1000 addresses']);
});
