// npm run chaos -- [--minutes 5] [--seed 1] [further arguments of jest]
// Against the cluster of KUBECONFIG, or a sandbox; on the PostgreSQL of TEST_DATABASE_URL, or one of its own.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals, tokens } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
  strict: false,
  tokens: true,
});
for (const name of ['minutes', 'seed']) {
  if (!(Number(values[name]) > 0)) throw new Error(`--${name} must be a number above 0.`);
}
const further = tokens.filter(({ kind, name }) => kind === 'option' && name !== 'minutes' && name !== 'seed');
const jest = spawn(
  process.execPath,
  [
    'node_modules/jest/bin/jest.js',
    '--config',
    'jest.chaos.config.mjs',
    ...further.map(({ rawName, value }) => (value ? `${rawName}=${value}` : rawName)),
    ...positionals,
  ],
  { stdio: 'inherit', env: { ...process.env, CHAOS_MINUTES: values.minutes, CHAOS_SEED: values.seed } },
);
jest.on('exit', (code) => (process.exitCode = code ?? 1));
