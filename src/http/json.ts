import { BadRequest } from './errors.ts';

/** Deeper than anything the API knows, and far from what exhausts the stack of code that recurses. */
const maximalDepth = 64;

/**
 * Parses JSON that a caller sent. Beside what is no JSON it refuses what breaks code further on: deep nesting, and keys named
 * `__proto__`. The message repeats nothing of the text: it may hold secrets.
 * @throws BadRequest `JSON parse error - <reason>`
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw parseError(reasonOf(error as SyntaxError));
  }
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maximalDepth) throw parseError(`nested more than ${String(maximalDepth)} levels deep`);
    const next: unknown[] = [];
    for (const item of level) {
      if (item === null || typeof item !== 'object') continue;
      if (Object.hasOwn(item, '__proto__')) throw parseError('a key may not be __proto__');
      for (const child of Object.values(item)) next.push(child);
    }
    level = next;
  }
  return value;
}

const parseError = (reason: string): BadRequest => new BadRequest(`JSON parse error - ${reason}`);

/** V8's message without the excerpt of the text that it ends with. */
function reasonOf(error: SyntaxError): string {
  return error.message.replace(/, (\.\.\.)?".*is not valid JSON$/s, '').replace(/^".*is not valid JSON$/s, 'Unexpected token');
}
