import { parseArgs } from 'node:util';
import type { Checkpoint } from '../audit/chain.ts';
import { ChainVerifier } from '../audit/chain-verifier.ts';
import { checkpointsIn, parseCheckpoint } from '../audit/checkpoints.ts';
import { report } from '../audit/report.ts';
import { withStoredData } from './stored-data.ts';

const EXIT = { well: 0, broken: 1, open: 2 } as const;
const USAGE = 'Usage: keelson audit verify [--checkpoint <sequence>:<hash>] [--log <file>, or - for standard input]';

/** `keelson audit verify`: ends with 0 if the audit log is as it was written, 1 if it is not, 2 if that can't be told. It changes nothing. */
export async function auditVerify(args: string[]): Promise<number> {
  try {
    return await verified(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.open;
  }
}

async function verified(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { checkpoint: { type: 'string', multiple: true }, log: { type: 'string' } } });
  const given = (values.checkpoint ?? []).map(parseCheckpoint);
  if (given.includes(null)) throw new Error(`A checkpoint is <sequence>:<hash>, as in the log.\n${USAGE}`);
  return withStoredData(process.env, [], async ({ dataSource }) => {
    const known = given.filter((checkpoint) => checkpoint !== null);
    const findings = await new ChainVerifier(dataSource).verify(all(known, values.log));
    const { verdict, lines } = report(findings);
    process.stdout.write(`${lines.join('\n')}\n`);
    const missing = values.log !== undefined && findings.checkpoints.compared === given.length;
    if (missing) process.stderr.write(`There is no checkpoint in ${values.log}: they are logged at the level info.\n`);
    return EXIT[verdict === 'well' && missing ? 'open' : verdict];
  });
}

async function* all(given: readonly Checkpoint[], log: string | undefined): AsyncGenerator<Checkpoint> {
  yield* given;
  if (log !== undefined) yield* checkpointsIn(log);
}
