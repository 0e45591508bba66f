import { readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import type { Section } from './outcome.ts';

/** Between these lines of the document the tables stand; the rest of it is written by hand. */
const BEGIN = '<!-- bench: begin -->';
const END = '<!-- bench: end -->';

const verdict = (reached: boolean | null): string => (reached === null ? '–' : reached ? 'reached' : '**not reached**');

function table({ title, columns, outcomes }: Section): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = outcomes.map(({ work, cells, goal, reached }) => line([work, ...cells, goal ?? '–', verdict(reached)]));
  const head = ['work', ...columns, 'goal', ''];
  return [`### ${title}`, '', line(head), line(head.map(() => '---')), ...rows, ''].join('\n');
}

/** The tables as Markdown, with what they were measured on. @param versions of what took part, by name */
export function report(sections: readonly Section[], facts: readonly string[]): string {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  const goals = sections.flatMap(({ outcomes }) => outcomes).filter(({ reached }) => reached !== null);
  const reached = goals.filter((outcome) => outcome.reached).length;
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${machine}; Node ${process.versions.node}; ${facts.join('; ')}.`,
    '',
    `${reached} of ${goals.length} goals reached.`,
    '',
    ...sections.map(table),
  ].join('\n');
}

/** Puts the report into a document. @throws {Error} when that has no place for it */
export async function writeReport(path: string, text: string): Promise<void> {
  const document = await readFile(path, 'utf8');
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} lacks the lines ${BEGIN} and ${END}`);
  await writeFile(path, `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n${document.slice(end)}`);
}
