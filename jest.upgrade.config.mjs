// The previous release's code on this one's schema: it is taken out of the history, which has to reach that far back.
import base from './jest.config.mjs';

export default { ...base, testMatch: ['<rootDir>/test/upgrade.upgrade-spec.ts'] };
