// Every file, node_modules included, becomes CommonJS: Jest on Node 20 cannot load the ES modules that Nest and its add-ons mix.
const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  module: { type: 'commonjs' },
  jsc: {
    target: 'es2022',
    keepClassNames: true,
    parser: { syntax: 'typescript', decorators: true, dynamicImport: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
  },
};

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/examples'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  // each has servers, a database and a cluster of its own, on two cores
  maxWorkers: 2,
  // no test means to take so long: it is for what waits on a busy machine
  testTimeout: 300_000,
  globalSetup: './test/global-setup.ts',
  globalTeardown: './test/global-teardown.ts',
  transform: { '^.+\\.(ts|js|mjs)$': ['@swc/jest', swc] },
  transformIgnorePatterns: [],
};
