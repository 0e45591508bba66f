import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { knownKeys, mismatches } from '../database/known-keys.ts';
import type { Extension } from '../extension.ts';
import { soughtIn } from '../secrets/clear-text.ts';
import { DumpSearch, type Found } from '../secrets/dump-search.ts';
import { checkSealed } from '../secrets/sealed-check.ts';
import { withStoredData } from './stored-data.ts';

const EXIT = { well: 0, broken: 1, open: 2 } as const;
/** Texts that are sought at a time. A dump is read once for so many; standard input, which can't be read again, takes no more. */
const ROUND = 200_000;

/**
 * `keelson secrets verify`: ends with 0 if everything that is encrypted opens in its place, and nothing of it is in clear in the dump; with
 * 1 if not; with 2 if that can't be told. It changes nothing, and tells nothing of what is encrypted.
 */
export async function secretsVerify(args: string[], extensions: readonly Extension[]): Promise<number> {
  try {
    const { values } = parseArgs({ args, options: { dump: { type: 'string' } } });
    return await verified(values.dump, extensions);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.open;
  }
}

async function verified(dump: string | undefined, extensions: readonly Extension[]): Promise<number> {
  return withStoredData(process.env, extensions, async ({ dataSource, encryption, keys }) => {
    const found = new Map<string, Found>();
    let search = new DumpSearch();
    let sought = 0;
    const seek = async (): Promise<void> => {
      if (dump === undefined) return;
      sought += search.size;
      for (const one of await search.search(bytesOf(dump))) found.set(one.name, one);
      search = new DumpSearch();
    };
    const { counts, faults, more } = await checkSealed(dataSource, encryption, async (value, clear) => {
      if (dump === undefined) return;
      for (const one of soughtIn(value, clear)) search.add(one);
      if (search.size < ROUND) return;
      if (dump === '-') throw new Error('There is too much to seek for standard input to be read once: give the dump as a file.');
      await seek();
    });
    if (search.size > 0 || sought === 0) await seek();
    const wrong = mismatches(await knownKeys(dataSource.manager), keys);
    const lines = [
      ...[...wrong, ...faults].map((fault) => `BROKEN: ${fault}`),
      ...(more > 0 ? [`BROKEN: ${String(more)} more values cannot be decrypted.`] : []),
      ...[...found.values()].map(
        ({ name, table, line }) => `CLEAR: ${name} is in line ${String(line)} of the dump${table === null ? '' : `, table ${table}`}.`,
      ),
      ...[...counts].map(
        ([id, count]) =>
          `${String(count)} values ${id === null ? 'in no form that names a key' : `with the key "${id}"`}${standing(id, keys)}.`,
      ),
      ...(counts.size === 0 ? ['Nothing is encrypted yet.'] : []),
      ...(dump === undefined ? [] : [`Sought ${String(sought)} texts in the dump.`]),
    ];
    const well = wrong.length + faults.length + found.size === 0;
    process.stdout.write(`${[...lines, ...(well ? ['Everything that is encrypted opens in its place.'] : [])].join('\n')}\n`);
    return well ? EXIT.well : EXIT.broken;
  });
}

function standing(id: string | null, keys: readonly { id: string }[]): string {
  if (id === null) return '';
  const place = keys.findIndex((key) => key.id === id);
  return place === 0 ? ', the newest' : place === -1 ? ', which is not in ENCRYPTION_KEYS' : '';
}

function bytesOf(dump: string): AsyncIterable<Buffer> {
  return (dump === '-' ? process.stdin : createReadStream(dump, { highWaterMark: 1 << 20 })) as AsyncIterable<Buffer>;
}
