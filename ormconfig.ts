// For TypeORM's own command line. It loads compiled files: npx typeorm migration:show -d dist/database/cli-data-source.js
export { default } from './src/database/cli-data-source.ts';
