/** Bytes of a run's output that are kept. */
export const OUTPUT_LIMIT = 1024 * 1024;

const MARK = '[the output is cut here: only its first MiB is kept]\n';

/** The output as it is kept: cut at the limit, between two characters, with a line that says so. */
export function keptOutput(text: string, limit = OUTPUT_LIMIT): { output: string; truncated: boolean } {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return { output: text, truncated: false };
  let end = limit;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  const kept = bytes.subarray(0, end).toString();
  return { output: `${kept}${kept.endsWith('\n') ? '' : '\n'}${MARK}`, truncated: true };
}

/** Whether a byte of UTF-8 goes on with a character that has begun. */
const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
