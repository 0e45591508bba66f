import { MASK } from '../audit/audit-trail.ts';

/** Characters of a command that are kept. */
const LONGEST = 1000;
/** Values shorter than this are part of many a word: they are masked only where they are words of their own. */
const SHORTEST = 6;
/** What is before and after a word. */
const NO_BOUNDARY = `[^\\s"'=:,;/@|&()]`;

const SECRET_NAME = '[\\w.-]*(?:password|passwd|pass|secret|token|key|pin|credential)s?';
/** One argument, with its quotes. */
const ARGUMENT = `(?:"(?:[^"\\\\]|\\\\.)*"|'[^']*'|[^\\s"';|&])+`;

/** `//user:password@`, up to the last @ before the path: a password may have some of its own. */
const USERINFO = /(:\/\/[^\s/:@'"]*:)[^\s/'"]*(?=@)/g;
/** `--password=VALUE`, `PASSWORD=VALUE`, `--password VALUE`: the name at its end says that it is a secret, however it is spelt. */
const ASSIGNED = new RegExp(`((?:^|[\\s;|&"'(])-{0,2}${SECRET_NAME}=)${ARGUMENT}`, 'gi');
const FOLLOWING = new RegExp(`((?:^|\\s)--?${SECRET_NAME}\\s+)(?!-)${ARGUMENT}`, 'gi');

/**
 * A command as the audit log keeps it: without the values that are known, and without what looks like a secret. It can't know every way
 * to write one.
 * @param values config of the app, and what else is known
 */
export function maskedCommand(command: string, values: readonly string[]): string {
  const lines = values.flatMap((value) => value.split('\n')).filter((line) => line.length >= SHORTEST);
  const known = [...new Set([...values, ...lines])].sort((a, b) => b.length - a.length);
  const masked = known
    .reduce(withoutValue, command)
    .replace(USERINFO, `$1${MASK}`)
    .replace(ASSIGNED, `$1${MASK}`)
    .replace(FOLLOWING, `$1${MASK}`);
  return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
}

function withoutValue(text: string, value: string): string {
  if (value.trim() === '' || !text.includes(value)) return text;
  if (value.length >= SHORTEST) return text.replaceAll(value, MASK);
  const word = value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return text.replace(new RegExp(`(?<!${NO_BOUNDARY})${word}(?!${NO_BOUNDARY})`, 'g'), MASK);
}
