import { readFileSync, writeFileSync } from 'node:fs';
import { chartSettings } from './chart-settings.ts';

const FILE = 'helm/values.schema.json';

interface Schema {
  properties: { settings: { properties: object } };
}

/** `npm run chart:settings`: writes into the schema of the chart's values which settings may be given there. */
function main(): void {
  const schema = JSON.parse(readFileSync(FILE, 'utf8')) as Schema;
  schema.properties.settings.properties = Object.fromEntries(chartSettings().map((name) => [name, { $ref: '#/definitions/setting' }]));
  writeFileSync(FILE, `${JSON.stringify(schema, null, 2)}\n`);
}

main();
