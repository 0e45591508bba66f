import type { Sought } from './clear-text.ts';

/** Bytes of a text that are sought: where its beginning is in clear, it is. */
const LONGEST = 192;
/** Texts of fewer bytes are only found as whole words: in the noise of ciphertexts they come about by chance. */
const CHANCE = 16;
/** Bytes that a text is first recognized by. */
const HEAD = 6;
const SLOTS = 1 << 22;
/** Bytes before a place that are looked at. */
const BEFORE = 2;

interface Form {
  bytes: Buffer;
  name: string;
  whole: boolean;
}

/** Where a text was found. */
export interface Found {
  name: string;
  line: number;
  /** Of the COPY that the line belongs to; null: none. */
  table: string | null;
}

/** Raised where a dump is in no form that can be searched. */
export class Unsearchable extends Error {}

/** Seeks texts in a dump in the form of SQL, which is read once, in pieces. */
export class DumpSearch {
  /** By their first bytes. */
  private readonly forms = new Map<number, Form[]>();
  private readonly slots = new Uint8Array(SLOTS);
  private readonly seen = new Set<string>();

  /** How many texts are sought. */
  get size(): number {
    return this.seen.size;
  }

  add({ text, name }: Sought): void {
    if (this.seen.has(text)) return;
    this.seen.add(text);
    for (const form of formsOf(text)) {
      const bytes = Buffer.from(form).subarray(0, LONGEST);
      if (bytes.length < HEAD) continue;
      const head = headOf(bytes, 0);
      this.slots[slotOf(head)] = 1;
      this.forms.set(head, [...(this.forms.get(head) ?? []), { bytes, name, whole: bytes.length < CHANCE }]);
    }
  }

  /** What of it is in the dump, each once. @throws {Unsearchable} */
  async search(dump: AsyncIterable<Buffer>): Promise<Found[]> {
    const found = new Map<string, Found>();
    const place = { line: 0, table: null as string | null };
    // what is before, so that the beginning of a line and of a word can be told
    let rest = Buffer.from('\n\n');
    let first = true;
    const look = (bytes: Buffer, end: number): void => {
      for (let at = BEFORE; at < end; at++) {
        if (bytes[at - 1] === 10) {
          place.line += 1;
          place.table = tableAt(bytes, at, place.table);
        }
        if (at + HEAD > bytes.length) continue;
        const head = headOf(bytes, at);
        if (this.slots[slotOf(head)] === 0) continue;
        const form = this.forms.get(head)?.find((one) => isAt(bytes, at, one));
        if (form && !found.has(form.name)) found.set(form.name, { name: form.name, ...place });
      }
    };
    for await (const chunk of dump) {
      if (first && chunk.length > 0) assertSearchable(chunk);
      first = false;
      const bytes = Buffer.concat([rest, chunk]);
      const end = Math.max(BEFORE, bytes.length - LONGEST - 1);
      look(bytes, end);
      rest = Buffer.from(bytes.subarray(end - BEFORE));
    }
    if (first) throw new Unsearchable('The dump is empty.');
    look(rest, rest.length);
    return [...found.values()];
  }
}

/** What COPY, JSON in it, and INSERT make of a text. */
function formsOf(text: string): Set<string> {
  const json = JSON.stringify(text).slice(1, -1);
  return new Set([copied(text), copied(json), text.replaceAll("'", "''"), json.replaceAll("'", "''")]);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const copied = (text: string): string => text.replace(/[\\\b\f\n\r\t\v]/g, (character) => ESCAPES[character] ?? character);

const headOf = (bytes: Buffer, at: number): number => bytes.readUIntBE(at, HEAD);
const slotOf = (head: number): number => (head % 4_194_301) & (SLOTS - 1);

function isAt(bytes: Buffer, at: number, { bytes: sought, whole }: Form): boolean {
  if (bytes.compare(sought, 0, sought.length, at, Math.min(at + sought.length, bytes.length)) !== 0) return false;
  // the letter of an escape, such as the n of \n, belongs to no word
  const begins = bytes[at - 2] === 92 || !isOfWord(bytes[at - 1]);
  return !whole || (begins && !isOfWord(bytes[at + sought.length]));
}

/** Letters, digits, `-` and `_`: what ciphertexts are written with. */
function isOfWord(byte: number | undefined): boolean {
  return byte !== undefined && /[A-Za-z0-9_-]/.test(String.fromCharCode(byte));
}

/** The table whose rows begin after the line at a place, or that its row belongs to. */
function tableAt(bytes: Buffer, at: number, before: string | null): string | null {
  if (bytes[at] === 92 && bytes[at + 1] === 46) return null;
  if (bytes[at] !== 67 || bytes.toString('latin1', at, at + 5) !== 'COPY ') return before;
  return /^COPY (?:public\.)?"?(\w+)/.exec(bytes.toString('latin1', at, at + LONGEST))?.[1] ?? before;
}

function assertSearchable(chunk: Buffer): void {
  const beginning = chunk.toString('latin1', 0, 5);
  if (beginning.startsWith('PGDMP') || beginning.startsWith('\x1f\x8b')) {
    throw new Unsearchable('The dump is compressed: give it as SQL, as `pg_dump` alone writes it, or `pg_restore -f -` makes it.');
  }
}
