import { hash, verify } from '@node-rs/argon2';
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';

/** argon2id with 19 MiB and two passes, as OWASP advises. Runs in the thread pool, off the event loop. */
const options = { algorithm: 2, memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** One core is left to everybody else, however many log in at a time: the others wait for their turn. */
const inTurn = pLimit(Math.max(1, availableParallelism() - 1));

/** The salted hash of a password, in PHC form. */
export const hashPassword = (password: string): Promise<string> => inTurn(() => hash(password, options));

export const matchesPassword = (passwordHash: string, password: string): Promise<boolean> => inTurn(() => verify(passwordHash, password));

let unmatched: Promise<string> | undefined;

/** Takes as long as `matchesPassword`, for a user who does not exist: nobody shall learn that from the time. */
export async function matchesNothing(password: string): Promise<false> {
  unmatched ??= hashPassword('');
  await matchesPassword(await unmatched, password);
  return false;
}
