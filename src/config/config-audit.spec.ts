import { auditedConfigs } from './config-audit.ts';
import { emptyConfig, type ConfigContent } from './config-content.ts';

const config = (part: Partial<ConfigContent>): ConfigContent => ({ ...emptyConfig(), ...part });

it.each<[string, Partial<ConfigContent> | null, Partial<ConfigContent>, object, object]>([
  ['a first value', null, { values: { A: 'secret' } }, {}, { values: { A: '***' } }],
  [
    'a value that changes',
    { values: { A: 'one', B: 'b' } },
    { values: { A: 'two', B: 'b' } },
    { values: { A: '***' } },
    { values: { A: '***' } },
  ],
  ['a value that goes', { values: { A: 'one' } }, { values: {} }, { values: { A: '***' } }, {}],
  ['nothing', { values: { A: 'one' }, memory: { web: '1G' } }, { values: { A: 'one' }, memory: { web: '1G' } }, {}, {}],
  ['limits', { memory: { web: '1G' } }, { memory: { web: '2G' } }, { memory: { web: '1G' } }, { memory: { web: '2G' } }],
  [
    'what clients spell in another way',
    {},
    { terminationGracePeriod: { web: '30' }, lifecyclePreStop: { web: 'curl -u me:secret' } },
    {},
    { termination_grace_period: { web: '30' }, lifecycle_pre_stop: { web: '***' } },
  ],
  ['tags named like what objects have', {}, { tags: { constructor: 'x' } }, {}, { tags: { constructor: 'x' } }],
  [
    'a registry',
    {},
    { registry: { username: 'me', password: 'secret', hostname: 'registry.example.com' } },
    {},
    { registry: { username: '***', password: '***', hostname: 'registry.example.com' } },
  ],
  [
    'the host of a registry without who logs in there',
    {},
    { registry: { hostname: 'https://me:se@cret@registry.example.com/path' } },
    {},
    { registry: { hostname: 'https://***@registry.example.com/path' } },
  ],
  [
    'probes',
    { healthcheck: { web: { livenessProbe: { tcpSocket: { port: 80 } } } } },
    {
      healthcheck: {
        web: {
          livenessProbe: { exec: { command: ['check', 'secret'] }, timeoutSeconds: 5 },
          readinessProbe: { httpGet: { path: '/ready?token=secret', port: 80, httpHeaders: [{ name: 'Authorization', value: 'secret' }] } },
        },
      },
    },
    { healthcheck: { web: { livenessProbe: { tcpSocket: { port: 80 } } } } },
    {
      healthcheck: {
        web: {
          livenessProbe: { exec: { command: ['***'] }, timeoutSeconds: 5 },
          readinessProbe: { httpGet: { path: '/ready?***', port: 80, httpHeaders: [{ name: 'Authorization', value: '***' }] } },
        },
      },
    },
  ],
])('of a change of config it shows %s', (_, from, to, before, after) => {
  expect(auditedConfigs(from && config(from), config(to))).toEqual({ before, after });
});
