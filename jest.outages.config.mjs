// What stops parts of the real cluster: by itself, after the suites of jest.cluster.config.mjs.
import cluster from './jest.cluster.config.mjs';

export default { ...cluster, testMatch: ['<rootDir>/test/outages.cluster-spec.ts'], testPathIgnorePatterns: ['/node_modules/'] };
