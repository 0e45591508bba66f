/** One line of the report. */
export interface Outcome {
  /** What was done. */
  work: string;
  /** What was measured, a cell for each column of its table. */
  cells: string[];
  /** What it is to be, in words; null where the issue of performance sets no goal. */
  goal: string | null;
  reached: boolean | null;
}

/** A table of the report. */
export interface Section {
  title: string;
  columns: string[];
  outcomes: Outcome[];
}

export const percent = (part: number): string => `${Math.round(part * 100)} %`;
export const number = (value: number, digits = 0): string => value.toFixed(digits);
