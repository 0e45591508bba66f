import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { measureCluster } from './cluster.ts';
import { LARGE, SMALL } from './data-set.ts';
import { measureDrift } from './drift.ts';
import { measureLogins } from './logins.ts';
import type { Section } from './outcome.ts';
import { explainPaths } from './plans.ts';
import { profilePaths } from './profile.ts';
import { compareSets, measureReads } from './reads.ts';
import { report, writeReport } from './report.ts';
import { measureMemory, measureStarts, startSection } from './starts.ts';
import { Stage, type Contestant } from './stage.ts';
import { measureWrites } from './writes.ts';

/**
 * `npm run bench`: Keelson and the limit on one database, in turn, and with KUBECONFIG also kubectl on a real cluster. What came of it
 * goes into docs/performance.md. Options: `--rounds` and `--seconds` of each measurement; `--large`: the large data set too;
 * `--out FILE`: into another file than the document; `--profile FILE`: nothing but where the time goes and how
 * the database goes about it, into that file, with `--large` on the large data set. BASE_PEER and TOKEN_PEER: another server that speaks the same API and has the
 * same app that is read; BENCH_DATABASE_URL: a PostgreSQL whose user may create databases, in place of one of its own.
 */

const DOCUMENT = 'docs/performance.md';
const STARTS = 3;

const { values: options } = parseArgs({
  options: {
    large: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    out: { type: 'string' },
    profile: { type: 'string' },
  },
});
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)];
if (!(rounds >= 1 && seconds >= 1)) throw new Error('--rounds and --seconds are numbers from 1');

const { BASE_PEER: peerBase, TOKEN_PEER: peerToken = '', KUBECONFIG: kubeconfig } = process.env;
const peers: Contestant[] = peerBase === undefined ? [] : [{ name: 'peer', base: peerBase, token: peerToken }];
const say = (words: string): boolean => process.stderr.write(`bench: ${words}\n`);

const sections: Section[] = [];
const facts: string[] = [];

if (options.profile !== undefined) {
  const stage = await Stage.build(options.large ? LARGE : SMALL);
  try {
    await writeFile(options.profile, `# Processor\n\n${await profilePaths(stage, seconds)}\n# Plans\n\n${await explainPaths(stage)}`);
  } finally {
    await stage.end();
  }
  process.exit();
}

const small = await Stage.build(SMALL);
let rates;
let starts;
try {
  facts.push(`PostgreSQL ${small.postgresql}`, `Keelson ${version()}`, `${rounds} rounds of ${seconds} s, medians`);
  say('reads');
  const reads = await measureReads(small, peers, rounds, seconds);
  rates = reads.rates;
  sections.push(reads.section);
  say('changes');
  sections.push(await measureWrites(small, rounds, seconds));
  say('logins');
  sections.push(await measureLogins(small, seconds * 2));
  sections.push(await measureMemory(small, seconds));
  say('starts');
  starts = await measureStarts(small, STARTS);
  if (kubeconfig !== undefined) {
    say('a real cluster');
    await small.startKeelson({ KUBECONFIG: kubeconfig, KNOWN_INSTALLATIONS: '*' });
    sections.push(...(await measureCluster(small, kubeconfig, rounds)));
  }
} finally {
  await small.end();
}
if (options.large) {
  say('the large data set');
  const large = await Stage.build(LARGE);
  try {
    const reads = await measureReads(large, peers, rounds, seconds);
    sections.push(reads.section, compareSets(rates, reads.rates, LARGE));
    sections.push(await measureMemory(large, seconds));
    say('drift');
    sections.push(await measureDrift(large, seconds * 2));
    sections.push(startSection(starts, await measureStarts(large, STARTS)));
  } finally {
    await large.end();
  }
} else {
  sections.push(startSection(starts));
}
const text = report(sections, facts);
process.stdout.write(`${text}\n`);
await (options.out === undefined ? writeReport(DOCUMENT, text) : writeFile(options.out, `${text}\n`));

function version(): string {
  return (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
}
