import { parseArgs } from 'node:util';
import { enterKeys } from '../database/known-keys.ts';
import type { Extension } from '../extension.ts';
import { rotate } from '../secrets/rotation.ts';
import { withStoredData } from './stored-data.ts';

const EXIT = { done: 0, left: 1, failed: 2 } as const;

/**
 * `keelson secrets rotate`: ends with 0 if everything is encrypted with the newest key, with 1 if something is left that it names, with 2
 * if it couldn't be done: run it again then, it goes on. Keelson may run meanwhile.
 */
export async function secretsRotate(args: string[], extensions: readonly Extension[]): Promise<number> {
  try {
    parseArgs({ args, options: {} });
    return await rotated(extensions);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
}

async function rotated(extensions: readonly Extension[]): Promise<number> {
  return withStoredData(
    process.env,
    extensions,
    async ({ dataSource, encryption, keys, url }) => {
      const [newest] = keys;
      if (!newest) throw new Error('ENCRYPTION_KEYS has no key.');
      await enterKeys(dataSource, url, keys);
      const { counts, overtaken, faults, left } = await rotate(dataSource, encryption, newest.id);
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const older = keys.slice(1).map(({ id }) => `"${id}"`);
      const lines = [
        ...faults.map((fault) => `LEFT: ${fault}`),
        ...(left > 0
          ? [`LEFT: ${String(left)} values: a process that runs still encrypts with an older key. Put "${newest.id}" first in all of them.`]
          : []),
        ...[...counts].map(([table, count]) => `${table}: ${String(count)} values encrypted anew.`),
        ...(overtaken > 0 ? [`${String(overtaken)} values were changed or removed by others meanwhile.`] : []),
        `${String(total)} values encrypted anew with the key "${newest.id}".`,
      ];
      const done = faults.length === 0 && left === 0;
      const last =
        older.length > 0
          ? `Nothing needs ${older.join(', ')} any more: take them out of ENCRYPTION_KEYS, but keep them with older backups.`
          : '';
      process.stdout.write(`${[...lines, ...(done && last ? [last] : [])].join('\n')}\n`);
      return done ? EXIT.done : EXIT.left;
    },
    { asOwner: true },
  );
}
