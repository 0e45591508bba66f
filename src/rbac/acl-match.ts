import { posix } from 'node:path';
import { foldBlanks, glob } from './glob.ts';
import { plainWords } from './plain-words.ts';
import type { RoadAcl } from './product-roads.ts';

/** What ACLs make of a command: the words that it may run as, without a shell; or which of them refuses it, in a whole sentence too. */
export type AclVerdict = { allowed: true; words: readonly string[] } | { allowed: false; acl: string; why: string };

/**
 * Characters of the longest command that ACLs are asked about. The time that they take grows with it, and nothing else may stand still
 * meanwhile.
 */
const LONGEST = 4_096;

/** Stands for a blank within a word where only wildcards may match it. Plain words hold no control characters. */
const INNER_BLANK = '\0';

/** @param acls those of one product, at least one; @param command as it was sent */
export function aclVerdict(acls: readonly RoadAcl[], command: string): AclVerdict {
  const [first] = acls;
  if (!first) throw new Error('nobody is bound by no ACL');
  if (command.length > LONGEST) return refused(first, `takes commands of at most ${String(LONGEST)} characters`);
  const plain = plainWords(command);
  if ('fault' in plain) return refused(first, `takes commands of plain words only: ${plain.fault}`);
  const { words } = plain;
  const spellings = deniedSpellings(words);
  for (const acl of acls) {
    const pattern = acl.deny.find((each) => spellings.some(glob(each)));
    if (pattern !== undefined) return refused(acl, `denies this command by its pattern "${pattern}"`);
  }
  const allowing = acls.filter(({ allow }) => allow.length > 0);
  const line = words.map((word) => word.replace(/[ \t]/g, INNER_BLANK)).join(' ');
  const [strict] = allowing;
  if (strict && !allowing.some(({ allow }) => allow.some((pattern) => glob(pattern)(line)))) {
    return refused(strict, 'has no pattern that allows this command');
  }
  return { allowed: true, words };
}

/**
 * The lines that must not be denied: what matches one of them is refused. Blanks count alike whether they divide words or are in one, and the
 * program is the same by whatever path.
 */
function deniedSpellings([program = '', ...rest]: readonly string[]): string[] {
  const programs = [program, posix.normalize(program), posix.basename(program)];
  const lines = programs.map((name) => [name, ...rest].join(' '));
  return [...new Set([...lines, ...lines.map(foldBlanks)])];
}

const refused = ({ name }: RoadAcl, why: string): AclVerdict => ({ allowed: false, acl: name, why: `The ACL "${name}" ${why}.` });
