/** What stands between a BEGIN and its END, with both. */
export interface PemBlock {
  /** What it says to be, such as `CERTIFICATE`. */
  label: string;
  text: string;
}

const BOUNDARY = /^-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----$/;

/** The blocks of a PEM text, in order; what stands around them is passed over. Null: one of them has no end. */
export function pemBlocks(text: string): PemBlock[] | null {
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | null = null;
  for (const line of text.split('\n').map((raw) => raw.trimEnd())) {
    const [, end, label = ''] = BOUNDARY.exec(line) ?? [];
    open?.lines.push(line);
    if (end === 'BEGIN') {
      if (open) return null;
      open = { label, lines: [line] };
    } else if (end === 'END' && open) {
      if (label !== open.label) return null;
      blocks.push({ label, text: `${open.lines.join('\n')}\n` });
      open = null;
    }
  }
  return open ? null : blocks;
}
