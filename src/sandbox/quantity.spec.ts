import { canonical, isQuantity, nano, sum } from './quantity.ts';

test.each([
  ['1000m', '1'],
  ['0.5', '500m'],
  ['1.5', '1500m'],
  ['100m', '100m'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['1000', '1k'],
  ['1048576', '1048576'],
  ['1000000Ki', '1000000Ki'],
  ['0', '0'],
  ['0Mi', '0'],
  ['1e3', '1k'],
  ['-1', '-1'],
])('%s is written %s', (written, form) => {
  expect(canonical(written)).toBe(form);
});

test.each(['abc', '', '1Q', '1 Gi', '1..2', 'Gi'])('%s is not a quantity', (text) => {
  expect(isQuantity(text)).toBe(false);
});

test('quantities compare by value', () => {
  expect(nano('1Gi')).toBe(nano('1024Mi'));
  expect(nano('1G') < nano('1Gi')).toBe(true);
  expect(nano('100m')).toBe(nano('0.1'));
});

test('sums keep the form of what is added', () => {
  expect(sum(['500m', '500m'])).toBe('1');
  expect(sum(['512Mi', '512Mi'])).toBe('1Gi');
  expect(sum([])).toBe('0');
});
