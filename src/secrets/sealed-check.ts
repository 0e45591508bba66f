import type { DataSource } from 'typeorm';
import type { Encryption } from '../database/encryption.ts';
import { UnsealError } from '../database/encryption.ts';
import { sealedValues, type SealedValue } from '../database/sealed-columns.ts';

/** What was found of everything that is sealed. */
export interface SealedFindings {
  /** Values by the id of their key; null: in no form that names one. */
  counts: Map<string | null, number>;
  /** What doesn't open, in words that name it. */
  faults: string[];
  /** Those that `faults` has no words for: there are too many. */
  more: number;
}

/** Faults that are told one by one; of these it is also found out which of them were swapped. */
const TOLD = 200;

export const nameOf = ({ column, uuid }: SealedValue): string => `${column.name}:${uuid}`;

/**
 * Opens everything that is sealed, each value in its own row and column.
 * @param opened is given each value that opens, in clear
 */
export async function checkSealed(
  dataSource: DataSource,
  encryption: Encryption,
  opened: (value: SealedValue, clear: string) => void | Promise<void> = () => undefined,
): Promise<SealedFindings> {
  const counts = new Map<string | null, number>();
  const broken: { value: SealedValue; words: string }[] = [];
  let more = 0;
  for await (const value of sealedValues(dataSource)) {
    const [, id = null] = /^v1\.([A-Za-z0-9_-]+)\./.exec(value.sealed) ?? [];
    counts.set(id, (counts.get(id) ?? 0) + 1);
    try {
      await opened(value, encryption.open(value.sealed, nameOf(value)));
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
      if (broken.length < TOLD) broken.push({ value, words: `${error.message} It is in the table ${value.table}.` });
      else more += 1;
    }
  }
  const values = broken.map(({ value }) => value);
  const faults = broken.map(({ value, words }) => {
    const home = values.find((other) => other !== value && opensAs(encryption, value, other));
    return home ? `${words} What is there belongs to ${nameOf(home)}: it was moved.` : words;
  });
  return { counts, faults, more };
}

function opensAs(encryption: Encryption, { sealed }: SealedValue, other: SealedValue): boolean {
  try {
    encryption.open(sealed, nameOf(other));
    return true;
  } catch {
    return false;
  }
}
