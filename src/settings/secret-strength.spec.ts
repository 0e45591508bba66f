import { randomBytes } from 'node:crypto';
import { weaknessOf } from './secret-strength.ts';

it.each([
  'a'.repeat(64),
  '0'.repeat(32),
  'abab'.repeat(10),
  '0123456789abcdef'.repeat(2),
  'abcdefghijklmnopqrstuvwxyz',
  '\0'.repeat(32),
  Buffer.alloc(32, 7).toString('latin1'),
])('%j repeats itself or counts up', (secret) => {
  expect(weaknessOf(secret)).toBe('repeats itself or counts up');
});

it.each([
  'changeme',
  'ChangeMe-please-this-is-a-secret',
  'secret',
  'password1234567890',
  'your-drycc-secret-key-here',
  'Default_Builder_Key_2024',
])('%j is made of the words of an example', (secret) => {
  expect(weaknessOf(secret)).toBe('is made of the words of an example');
});

it('nothing is wrong with what is drawn at random, however short', () => {
  for (let i = 0; i < 2000; i++) {
    const bytes = randomBytes(32);
    const texts = [bytes.toString('hex'), bytes.toString('base64'), bytes.toString('latin1'), bytes.toString('hex').slice(0, 16)];
    expect(texts.filter((text) => weaknessOf(text) !== undefined)).toEqual([]);
  }
});

it.each(['opensesame', 'correct horse battery staple', '8231946650127734', '8a319466501a7734', 'ðÔA²ùä+ÀI´äÛ¿å~×ôÑ'])(
  '%j is taken',
  (secret) => {
    expect(weaknessOf(secret)).toBeUndefined();
  },
);
