import type { Keelson } from './keelson.ts';

/** One sample: name and labels to value, as `/metrics` has it. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** What `/metrics` says. */
export async function scrape({ api }: Pick<Keelson, 'api'>): Promise<Sample[]> {
  const { text } = await api.get('/metrics');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return {
        name,
        labels: labelsOf(labels),
        value: Number(value),
      };
    });
}

const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]));

/** The sum of the samples that have these labels. */
export async function sumOf(keelson: Pick<Keelson, 'api'>, name: string, labels: Record<string, string>): Promise<number> {
  return (await scrape(keelson))
    .filter((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
