import { keptOutput, OUTPUT_LIMIT } from './run-output.ts';

const MARK = '[the output is cut here: only its first MiB is kept]\n';

it.each([
  ['', '', false],
  ['123456', '123456', false],
  ['1234567', `123456\n${MARK}`, true],
  ['12345\n7', `12345\n${MARK}`, true],
  ['12345é', `12345\n${MARK}`, true],
  ['1234é7', `1234é\n${MARK}`, true],
  ['12€€', `12€\n${MARK}`, true],
  ['123😀', `123\n${MARK}`, true],
])('of %j six bytes are %j', (text, output, truncated) => {
  expect(keptOutput(text, 6)).toEqual({ output, truncated });
});

it('one MiB is kept as it is, a byte more is cut', () => {
  expect(keptOutput('x'.repeat(OUTPUT_LIMIT)).truncated).toBe(false);
  expect(keptOutput('x'.repeat(OUTPUT_LIMIT + 1)).output).toHaveLength(OUTPUT_LIMIT + 1 + MARK.length);
});
