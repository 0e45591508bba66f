// The end-to-end suites on a PostgreSQL of one's own: TEST_DATABASE_URL, of a user who may create databases.
import base from './jest.config.mjs';

if (!process.env.TEST_DATABASE_URL)
  throw new Error('Set TEST_DATABASE_URL to the PostgreSQL whose databases the tests may create and drop.');

// what these are about is the cluster, the process or what is sent: their statements are those of the others
const OTHERS = [
  ...[
    'access',
    'audit-coverage',
    'bad-input',
    'causes',
    'chart',
    'cluster-faults',
    'commands',
    'crash',
    'drift',
    'faults',
    'http',
    'live-objects',
  ],
  ...['logs', 'metrics', 'pods', 'retries', 'rights', 'routing', 'run', 'shutdown', 'stop', 'streams'],
];

export default {
  ...base,
  // those for PostgreSQL alone need its own programs, too
  testMatch: ['<rootDir>/test/**/*.e2e-spec.ts', '<rootDir>/test/**/*.postgresql-spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', 'test/docs.e2e-spec.ts', ...OTHERS.map((suite) => `test/${suite}.e2e-spec.ts`)],
};
