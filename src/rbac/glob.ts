/**
 * A glob: `*` is any run of characters, `?` one, everything else itself; runs of blanks count as one, those at the ends as none.
 *
 * All ways to match are followed at once, a bit for each place of the pattern: the time grows with the text's length times the pattern's,
 * whatever is in them.
 * @returns whether it matches a whole text
 */
export function glob(pattern: string): (text: string) => boolean {
  // places[i] is what has to come i-th; a run may come before the places whose bit is in `runs`, the last of them behind all
  const places = Array.from(foldBlanks(pattern)).filter((character) => character !== '*');
  const length = (places.length >>> 5) + 1;
  const runs = new Uint32Array(length);
  const any = new Uint32Array(length);
  const bit = (bits: Uint32Array, index: number): void => {
    bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31));
  };
  const isSet = (bits: Uint32Array, index: number): boolean => (((bits[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1;
  let place = 0;
  for (const character of foldBlanks(pattern)) {
    if (character === '*') bit(runs, place);
    else place += 1;
  }
  places.forEach((character, index) => {
    if (character === '?') bit(any, index);
  });
  const takers = new Map<string, Uint32Array>();
  places.forEach((character, index) => {
    if (character === '?') return;
    const bits = takers.get(character) ?? any.slice();
    bit(bits, index);
    takers.set(character, bits);
  });

  return (text) => {
    const at = new Uint32Array(length);
    bit(at, 0);
    for (const character of text) {
      // a run at the end takes all that is left
      if (isSet(at, places.length) && isSet(runs, places.length)) return true;
      const takes = takers.get(character) ?? any;
      let carry = 0;
      let alive = 0;
      for (let index = 0; index < length; index++) {
        const here = at[index] ?? 0;
        const taken = here & (takes[index] ?? 0);
        const next = (taken << 1) | carry | (here & (runs[index] ?? 0));
        carry = taken >>> 31;
        at[index] = next;
        alive |= next;
      }
      if (alive === 0) return false;
    }
    return isSet(at, places.length);
  };
}

/** A text with its runs of blanks folded to one, and without those at its ends. */
export const foldBlanks = (text: string): string => text.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '');
