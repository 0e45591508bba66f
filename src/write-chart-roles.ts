import { writeFileSync } from 'node:fs';
import { chartRoles } from './chart-roles.ts';

/** `npm run chart:roles`: writes the rights that the chart grants. */
async function main(): Promise<void> {
  writeFileSync('helm/files/roles.yaml', await chartRoles());
}

void main();
