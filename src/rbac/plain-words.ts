/** The words of a command line, or why it can't be taken for plain words. */
export type PlainWords = { words: readonly string[] } | { fault: string };

/** Between words; a line has no other end than its own. */
const BLANK = /[ \t]/;
const CONTROL = /[^\P{Cc}\t]/u;
const OPERATOR = /[;|&<>()]/;
const EXPANSION = /[$`]/;
/** What a backslash protects between double quotes; before anything else it is a character like others. */
const ESCAPABLE = /[$`"\\]/;
const ASSIGNMENT = /^[A-Za-z_]\w*(\[[^\]]*\])?\+?=/;

/**
 * A command line as a shell would split it, if all it needs of a shell are blanks, quotes and backslashes. What a shell does more than that
 * (operators, expansions, assignments, several lines) is a fault; what is left is literal, tildes and wildcards too.
 */
export function plainWords(line: string): PlainWords {
  if (CONTROL.test(line)) return { fault: 'line breaks and control characters are not allowed' };
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  const characters = line[Symbol.iterator]();
  for (const character of characters) {
    if (quote === "'") {
      if (character === quote) quote = null;
      else word = (word ?? '') + character;
    } else if (character === '\\') {
      const { value: next } = characters.next();
      if (next === undefined) return { fault: 'the backslash at the end protects nothing' };
      word = (word ?? '') + (quote === null || ESCAPABLE.test(next) ? next : `\\${next}`);
    } else if (EXPANSION.test(character)) {
      return { fault: `expansions are not allowed (${character})` };
    } else if (quote === '"') {
      if (character === quote) quote = null;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (OPERATOR.test(character)) {
      return { fault: `operators are not allowed (${character})` };
    } else if (!BLANK.test(character)) {
      word = (word ?? '') + character;
    } else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (quote !== null) return { fault: `a quote is not closed (${quote})` };
  if (word !== null) words.push(word);
  const fault = programFault(words[0]);
  return fault === null ? { words } : { fault };
}

function programFault(program: string | undefined): string | null {
  if (program === undefined || program === '') return 'there is no command';
  if (BLANK.test(program)) return 'the name of the command has blanks in it';
  return ASSIGNMENT.test(program) ? `assignments are not allowed (${program.slice(0, program.indexOf('=') + 1)})` : null;
}
