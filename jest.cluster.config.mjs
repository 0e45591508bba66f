// The end-to-end suites against the real cluster that KUBECONFIG names.
import base from './jest.config.mjs';

if (!process.env.KUBECONFIG) throw new Error('Set KUBECONFIG to the cluster that the tests may use: they make and destroy apps in it.');
process.env.TEST_KUBECONFIG = process.env.KUBECONFIG;

const ROWS = [
  ...['access', 'accounts', 'administration', 'audit', 'audit-coverage', 'audit-export', 'auth', 'bad-input', 'budgets', 'canary'],
  ...['chart', 'database-faults', 'events', 'first-administrator', 'http', 'idempotency', 'image', 'integrity', 'keys', 'limits'],
  ...['metrics', 'permissions', 'perms', 'rbac', 'retention', 'rights', 'secrets'],
];

export default {
  ...base,
  globalSetup: './test/cluster-setup.ts',
  globalTeardown: './test/cluster-teardown.ts',
  // the cluster's parts and the pods have the same two cores
  maxWorkers: 2,
  testMatch: ['<rootDir>/test/**/*.e2e-spec.ts', '<rootDir>/test/**/*.cluster-spec.ts'],
  // two stop a cluster or hold its owners, so they have one of their own; one stops this cluster, and runs when the others are through;
  // the rest are about rows and counts alone
  testPathIgnorePatterns: [
    '/node_modules/',
    'test/(docs|engine|faults).e2e-spec.ts',
    'test/outages.cluster-spec.ts',
    ...ROWS.map((suite) => `test/${suite}.e2e-spec.ts`),
  ],
};
