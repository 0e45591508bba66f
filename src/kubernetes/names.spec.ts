import {
  autoTlsSecretName,
  certSecretName,
  deploymentName,
  envSecretName,
  maintenanceServiceName,
  quotaName,
  releaseOfEnvSecret,
  runPodName,
  typeLabel,
  versionLabel,
} from './names.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$/;

it('which release a Secret is the environment of shows in its name', () => {
  expect(releaseOfEnvSecret('demo', envSecretName('demo', 12))).toBe(12);
  for (const name of ['demo-v12', 'demo-env', 'demo-v012-env', 'other-v12-env', 'demo-v1-v12-env', 'www-cert']) {
    expect([name, releaseOfEnvSecret('demo', name)]).toEqual([name, null]);
  }
});

it('names follow app, type and version', () => {
  expect(deploymentName('demo', 'web')).toBe('demo-web');
  expect(runPodName('demo', 'a1b2c')).toBe('demo-run-a1b2c');
  expect(typeLabel('web')).toBe('web');
  expect(versionLabel(7)).toBe('v7');
  expect(envSecretName('demo', 7)).toBe('demo-v7-env');
  expect(quotaName('demo')).toBe('demo-quota');
  expect(autoTlsSecretName('demo')).toBe('demo-auto-tls');
  expect(maintenanceServiceName('demo')).toBe('demo--maintenance');
});

describe.each(['a', 'demo', 'x'.repeat(59), 'x'.repeat(63), `${'x'.repeat(53)}-------y`, `${'a-'.repeat(31)}b`])('for app %s', (app) => {
  it.each(['w', 'web', 'z'.repeat(62), 'z'.repeat(253), `${'z-'.repeat(100)}z`])('and type %s every name and label is valid', (type) => {
    for (const name of [deploymentName(app, type), typeLabel(type), runPodName(app, 'a1b2c'), maintenanceServiceName(app)]) {
      expect(name).toMatch(LABEL);
    }
    for (const name of [envSecretName(app, 2 ** 31 - 1), quotaName(app), autoTlsSecretName(app)]) expect(name).toMatch(SUBDOMAIN);
  });
});

it('names of 63 characters stay, longer ones that only differ at the end stay apart', () => {
  expect(deploymentName('a'.repeat(59), 'web')).toBe(`${'a'.repeat(59)}-web`);
  expect(deploymentName('a'.repeat(60), 'web')).toMatch(/^a{54}-[0-9a-f]{8}$/);
  expect(deploymentName('a'.repeat(60), 'web')).not.toBe(deploymentName('a'.repeat(60), 'wex'));
  expect(typeLabel(`${'z'.repeat(80)}1`)).not.toBe(typeLabel(`${'z'.repeat(80)}2`));
});

it('a run keeps its random part however long the app is', () => {
  expect(runPodName('a'.repeat(63), 'q7x2k')).toMatch(/-q7x2k$/);
});

it.each(['www', 'a-', '-', '--a', `${'c'.repeat(247)}-1`, 'c'.repeat(248), 'c'.repeat(253), '-'.repeat(253), `${'c-'.repeat(126)}c`])(
  'the secret of the certificate %s has a valid name',
  (name) => {
    expect(certSecretName(name)).toMatch(SUBDOMAIN);
    expect(certSecretName(name)).toMatch(/-cert$/);
  },
);

it('the secrets of two certificates are two', () => {
  expect(certSecretName('www')).toBe('www-cert');
  expect(certSecretName('c'.repeat(248))).toBe(`${'c'.repeat(248)}-cert`);
  const names = ['www', 'www-', '-www', '--www', 'c'.repeat(248), 'c'.repeat(249), 'c'.repeat(250), `${'c'.repeat(250)}d`];
  expect(new Set(names.map(certSecretName)).size).toBe(names.length);
});
