// Random mutations while replicas are killed, connections cut and the API server paused: npm run chaos -- --minutes 5
import base from './jest.config.mjs';

const cluster = process.env.KUBECONFIG ? { globalSetup: './test/cluster-setup.ts', globalTeardown: './test/cluster-teardown.ts' } : {};
if (process.env.KUBECONFIG) process.env.TEST_KUBECONFIG = process.env.KUBECONFIG;

export default { ...base, ...cluster, testMatch: ['<rootDir>/test/chaos/*.chaos-spec.ts'] };
