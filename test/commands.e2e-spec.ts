import { issue, type Issued } from './certificates.ts';
import { CommandLine, type Program, programs } from './command-line.ts';
import { WEB_IMAGE } from './images.ts';
import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { destroyApps, newAppId } from './live-app.ts';
import { newPublicKey } from './ssh-key.ts';

/** Replays what the command lines send for each of their commands, in order, and looks whether they could read the answers. */

interface Step {
  /** By whom: who is logged in by default. */
  as?: 'nobody' | 'friend';
  send: [method: string, path: string | (() => string), body?: unknown];
  status: number;
  /** What the JSON has to be; nothing is read of the body without. */
  json?: unknown;
  then?: (answer: Answer<never>) => void;
}

interface Command {
  name: string;
  /** Which of the programs have it: all by default. */
  of?: Program[];
  steps: Step[];
}

const all = Object.keys(programs) as Program[];
const drycc: Program[] = ['drycc 1.2', 'drycc 1.1'];
const newest: Program[] = ['drycc 1.2'];
const older: Program[] = ['drycc 1.1', 'deis 2.18', 'hephy 2.23'];
const exceptDeis: Program[] = ['drycc 1.2', 'drycc 1.1', 'hephy 2.23'];
const oldest: Program[] = ['deis 2.18', 'hephy 2.23'];
/** What needs pods takes its time: for the newest and the oldest. */
const withPods: Program[] = ['drycc 1.2', 'deis 2.18'];

const text: unknown = expect.any(String);
const number: unknown = expect.any(Number);
const list: unknown = expect.any(Array);
const object: unknown = expect.any(Object);
const having = (fields: object): unknown => expect.objectContaining(fields);
/** A list in which there is such an item. */
const listWith = (item: object): unknown => having({ count: number, results: expect.arrayContaining([having(item)]) as unknown });
const anyList = having({ count: number, results: list });

const login = (username: string, password = 'opensesame'): Step[] => [
  { as: 'nobody', send: ['GET', '/v2/'], status: 401 },
  { as: 'nobody', send: ['POST', '/v2/auth/login/', { username, password }], status: 200, json: { token: text } },
];

/** Times as the Go clients parse them. */
const goTime: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|UTC|[+-]\d\d:\d\d)?$/);
const uuid: unknown = expect.stringMatching(/^[0-9a-f-]{36}$/);

const user = { id: number, username: text, is_superuser: expect.any(Boolean) as unknown };
const app = { uuid, id: text, owner: text, url: text, structure: object, created: text, updated: text };
const config = { app: text, values: object, memory: object, cpu: object, tags: object, registry: object, healthcheck: object };
const settings = { app: text, routable: expect.any(Boolean) as unknown, autoscale: object, label: object };
const certificate = {
  id: number,
  name: text,
  common_name: text,
  expires: goTime,
  starts: goTime,
  created: goTime,
  updated: goTime,
  domains: list,
};
const pod = { name: text, type: 'web', release: text, state: text, started: goTime, replicas: expect.stringMatching(/^\d+$/) as unknown };

/** What WEB_IMAGE starts by itself, as a command. */
const SERVE = 'exec httpd -f -p "$PORT" -h /www';

let keelson: Keelson;
let ada: Api;
let issued: Issued;

beforeAll(async () => {
  keelson = await startKeelson();
  ada = await keelson.register('ada');
  issued = await issue({ names: ['www.example.com'] });
});

afterAll(async () => {
  await destroyApps(ada);
  await keelson.stop();
});

describe.each(all)('%s', (program) => {
  const slug = program.replace(/\W/g, '-');
  const friend = `friend.of_${slug}`;
  const id = newAppId('cli');
  const A = `/v2/apps/${id}`;
  const host = `www.${slug}.example.com`;
  let friendApi: Api;

  beforeAll(async () => {
    friendApi = await keelson.register(friend);
  });

  const commands: Command[] = [
    {
      name: 'register',
      steps: [
        { as: 'nobody', send: ['GET', '/v2/'], status: 401 },
        {
          as: 'nobody',
          send: ['POST', '/v2/auth/register/', { username: `new-${slug}`, password: 'opensesame', email: 'new@example.com' }],
          status: 201,
        },
        ...login(`new-${slug}`),
      ],
    },
    { name: 'login', steps: login('ada') },
    { name: 'whoami --all', steps: [{ send: ['GET', '/v2/auth/whoami/'], status: 200, json: having({ ...user, username: 'ada' }) }] },
    {
      name: 'auth:passwd',
      steps: [
        { as: 'friend', send: ['POST', '/v2/auth/passwd/', { password: 'opensesame', new_password: 'another' }], status: 200 },
        { send: ['POST', '/v2/auth/passwd/', { username: friend, new_password: 'opensesame' }], status: 200 },
      ],
    },
    {
      name: 'auth:regenerate',
      steps: [
        {
          as: 'friend',
          send: ['POST', '/v2/auth/tokens/'],
          status: 200,
          json: { token: text },
          then: ({ json }) => {
            friendApi = keelson.api.as((json as { token: string }).token);
          },
        },
        {
          send: ['POST', '/v2/auth/tokens/', { username: friend }],
          status: 200,
          json: { token: text },
          then: ({ json }) => {
            friendApi = keelson.api.as((json as { token: string }).token);
          },
        },
      ],
    },
    {
      name: 'auth:cancel',
      steps: [
        { send: ['DELETE', '/v2/auth/cancel/', { username: `new-${slug}` }], status: 204 },
        { as: 'nobody', send: ['POST', '/v2/auth/login/', { username: `new-${slug}`, password: 'opensesame' }], status: 400 },
      ],
    },
    { name: 'version --all', steps: [{ as: 'nobody', send: ['GET', '/healthz'], status: 200 }] },
    { name: 'apps:create', steps: [{ send: ['POST', '/v2/apps/', { id }], status: 201, json: having({ ...app, id }) }] },
    {
      name: 'apps:create without a name, and apps:destroy',
      steps: (() => {
        let made = '';
        return [
          {
            send: ['POST', '/v2/apps/'],
            status: 201,
            json: having(app),
            then: ({ json }) => {
              made = (json as { id: string }).id;
            },
          },
          { send: ['DELETE', () => `/v2/apps/${made}/`], status: 204 },
        ] satisfies Step[];
      })(),
    },
    { name: 'apps:list', steps: [{ send: ['GET', '/v2/apps/?limit=100'], status: 200, json: listWith({ ...app, id }) }] },
    {
      name: 'apps:info',
      steps: [
        { send: ['GET', `${A}/`], status: 200, json: having({ ...app, id }) },
        { send: ['GET', `${A}/domains/?limit=1`], status: 200, json: listWith({ app: id, domain: text }) },
        { send: ['GET', `${A}/pods/?limit=100`], status: 200, json: anyList },
        { send: ['GET', `${A}/domains/?limit=100`], status: 200, json: listWith({ app: id, domain: text }) },
        { send: ['GET', `${A}/settings/`], status: 200, json: having(settings) },
      ],
    },
    { name: 'apps:open', steps: [{ send: ['GET', `${A}/domains/?limit=1`], status: 200, json: listWith({ domain: text }) }] },
    { name: 'config:list', steps: [{ send: ['GET', `${A}/config/`], status: 200, json: having(config) }] },
    {
      name: 'config:set',
      steps: [
        {
          send: ['POST', `${A}/config/`, { values: { FOO: 'bar', N: '1' } }],
          status: 201,
          json: having({ ...config, values: having({ FOO: 'bar', WORKFLOW_RELEASE: expect.stringMatching(/^v\d+$/) as unknown }) }),
        },
        { send: ['GET', `${A}/config/`], status: 200, json: having({ ...config, values: { FOO: 'bar', N: '1' } }) },
      ],
    },
    {
      name: 'config:unset',
      steps: [
        {
          send: ['POST', `${A}/config/`, { values: { N: null } }],
          status: 201,
          json: having({ values: having({ WORKFLOW_RELEASE: text }) }),
        },
        { send: ['GET', `${A}/config/`], status: 200, json: having({ values: { FOO: 'bar' } }) },
      ],
    },
    {
      name: 'healthchecks:set and unset, of the type web/cmd',
      steps: [
        {
          send: [
            'POST',
            `${A}/config/`,
            {
              healthcheck: {
                'web/cmd': {
                  livenessProbe: {
                    initialDelaySeconds: 50,
                    timeoutSeconds: 50,
                    periodSeconds: 10,
                    successThreshold: 1,
                    failureThreshold: 3,
                    httpGet: { path: '/', port: 80 },
                  },
                },
              },
            },
          ],
          status: 201,
          json: having(config),
        },
        {
          send: ['GET', `${A}/config/`],
          status: 200,
          json: having({
            healthcheck: { 'web/cmd': { livenessProbe: having({ initialDelaySeconds: 50, httpGet: { path: '/', port: 80 } }) } },
          }),
        },
        { send: ['POST', `${A}/config/`, { healthcheck: { 'web/cmd': { livenessProbe: null } } }], status: 201, json: having(config) },
        { send: ['GET', `${A}/config/`], status: 200, json: having(config) },
      ],
    },
    {
      name: 'limits:set and unset',
      steps: [
        { send: ['POST', `${A}/config/`, { memory: { web: '1G' } }], status: 201, json: having({ memory: { web: '1G' } }) },
        { send: ['POST', `${A}/config/`, { cpu: { web: '500m' } }], status: 201, json: having({ cpu: { web: '500m' } }) },
        { send: ['GET', `${A}/config/`], status: 200, json: having({ memory: { web: '1G' }, cpu: { web: '500m' } }) },
        { send: ['POST', `${A}/config/`, { memory: { web: null } }], status: 201, json: having({ memory: {} }) },
        { send: ['POST', `${A}/config/`, { cpu: { web: null } }], status: 201, json: having({ cpu: {} }) },
      ],
    },
    {
      name: 'tags:set of a label that no node has',
      steps: [
        {
          send: ['POST', `${A}/config/`, { tags: { environ: 'prod' } }],
          status: 400,
          json: { detail: expect.stringContaining('No nodes matched the provided labels') as unknown },
        },
      ],
    },
    {
      name: 'registry:set and unset',
      steps: [
        { send: ['POST', `${A}/config/`, { values: { PORT: '5000' } }], status: 201 },
        { send: ['POST', `${A}/config/`, { registry: { username: 'bob', password: 'secret' } }], status: 201, json: having(config) },
        { send: ['GET', `${A}/config/`], status: 200, json: having({ registry: having({ username: 'bob' }) }) },
        { send: ['POST', `${A}/config/`, { registry: { username: null, password: null } }], status: 201, json: having({ registry: {} }) },
      ],
    },
    {
      name: 'timeouts:set and unset',
      of: exceptDeis,
      steps: [
        {
          send: ['POST', `${A}/config/`, { termination_grace_period: { web: '30' } }],
          status: 201,
          json: having({ termination_grace_period: { web: expect.anything() as unknown } }),
        },
        {
          send: ['POST', `${A}/config/`, { termination_grace_period: { web: null } }],
          status: 201,
          json: having({ termination_grace_period: {} }),
        },
      ],
    },
    {
      name: 'autoscale:set, list and unset',
      steps: [
        {
          send: ['POST', `${A}/settings/`, { autoscale: { web: { min: 3, max: 8, cpu_percent: 75 } } }],
          status: 201,
          json: having({ ...settings, autoscale: { web: { min: 3, max: 8, cpu_percent: 75 } } }),
        },
        { send: ['GET', `${A}/settings/`], status: 200, json: having({ autoscale: { web: { min: 3, max: 8, cpu_percent: 75 } } }) },
        { send: ['POST', `${A}/settings/`, { autoscale: { web: null } }], status: 201, json: having(settings) },
      ],
    },
    {
      name: 'labels:set, list and unset',
      steps: [
        {
          send: ['POST', `${A}/settings/`, { label: { team: 'search' } }],
          status: 201,
          json: having({ ...settings, label: { team: 'search' } }),
        },
        { send: ['GET', `${A}/settings/`], status: 200, json: having({ label: { team: 'search' } }) },
        { send: ['POST', `${A}/settings/`, { label: { team: null } }], status: 201, json: having({ ...settings, label: {} }) },
      ],
    },
    {
      name: 'routing:disable, info and enable',
      steps: [
        { send: ['POST', `${A}/settings/`, { routable: false }], status: 201, json: having({ ...settings, routable: false }) },
        { send: ['GET', `${A}/settings/`], status: 200, json: having({ routable: false }) },
        { send: ['POST', `${A}/settings/`, { routable: true }], status: 201, json: having({ ...settings, routable: true }) },
      ],
    },
    {
      name: 'maintenance:on, info and off',
      of: older,
      steps: [
        { send: ['POST', `${A}/settings/`, { maintenance: true }], status: 201, json: having({ ...settings, maintenance: true }) },
        { send: ['GET', `${A}/settings/`], status: 200, json: having({ maintenance: true }) },
        { send: ['POST', `${A}/settings/`, { maintenance: false }], status: 201, json: having({ ...settings, maintenance: false }) },
      ],
    },
    ...(['whitelist', 'allowlist'] as const).map((name) => ({
      name: `${name}:add, list and remove`,
      of: name === 'whitelist' ? older : newest,
      steps: [
        { send: ['GET', `${A}/${name}/`], status: 200, json: { addresses: [] } },
        {
          send: ['POST', `${A}/${name}/`, { addresses: ['1.2.3.4', '0.0.0.0/0'] }],
          status: 201,
          json: { addresses: ['1.2.3.4', '0.0.0.0/0'] },
        },
        { send: ['GET', `${A}/${name}/`], status: 200, json: { addresses: ['1.2.3.4', '0.0.0.0/0'] } },
        { send: ['DELETE', `${A}/${name}/`, { addresses: ['0.0.0.0/0'] }], status: 204 },
        { send: ['GET', `${A}/${name}/`], status: 200, json: { addresses: ['1.2.3.4'] } },
        { send: ['DELETE', `${A}/${name}/`, { addresses: ['1.2.3.4'] }], status: 204 },
      ] satisfies Step[],
    })),
    {
      name: 'tls:info',
      steps: [{ send: ['GET', `${A}/tls/`], status: 200, json: having({ https_enforced: null, certs_auto_enabled: null }) }],
    },
    ...(['force', 'enable'] as const).map((name) => ({
      name: name === 'force' ? 'tls:force:enable and disable' : 'tls:enable and disable',
      of: name === 'force' ? drycc : oldest,
      steps: [
        { send: ['POST', `${A}/tls/`, { https_enforced: true }], status: 201, json: having({ https_enforced: true }) },
        { send: ['GET', `${A}/tls/`], status: 200, json: having({ https_enforced: true }) },
        { send: ['POST', `${A}/tls/`, { https_enforced: false }], status: 201, json: having({ https_enforced: false }) },
      ] satisfies Step[],
    })),
    {
      name: 'tls:auto:disable, and enable in a cluster without cert-manager',
      of: drycc,
      steps: [
        { send: ['POST', `${A}/tls/`, { certs_auto_enabled: false }], status: 201, json: having({ certs_auto_enabled: false }) },
        {
          send: ['POST', `${A}/tls/`, { certs_auto_enabled: true }],
          status: 400,
          json: { detail: expect.stringContaining('cert-manager.io/v1') as unknown },
        },
        { send: ['GET', `${A}/tls/`], status: 200, json: having({ certs_auto_enabled: false }) },
      ],
    },
    {
      name: 'services:add, list and remove',
      of: exceptDeis,
      steps: [
        { send: ['GET', `${A}/services/`], status: 200, json: { services: [] } },
        { send: ['POST', `${A}/services/`, { procfile_type: 'web', path_pattern: '/x' }], status: 201 },
        { send: ['GET', `${A}/services/`], status: 200, json: { services: [having({ procfile_type: 'web', path_pattern: '/x' })] } },
        { send: ['DELETE', `${A}/services/`, { procfile_type: 'web' }], status: 204 },
      ],
    },
    {
      name: 'domains:add and list',
      steps: [
        { send: ['POST', `${A}/domains/`, { domain: host }], status: 201, json: having({ app: id, domain: host, owner: 'ada' }) },
        { send: ['GET', `${A}/domains/?limit=100`], status: 200, json: listWith({ app: id, domain: host }) },
      ],
    },
    {
      name: 'certs:add, list, info, attach, detach and remove',
      steps: [
        {
          send: ['POST', '/v2/certs/', () => ({ ...issued, name: `cert-${slug}` })],
          status: 201,
          json: having({ ...certificate, name: `cert-${slug}` }),
        },
        { send: ['GET', '/v2/certs/?limit=100'], status: 200, json: listWith({ ...certificate, name: `cert-${slug}` }) },
        { send: ['GET', `/v2/certs/cert-${slug}`], status: 200, json: having({ ...certificate, domains: [] }) },
        { send: ['POST', `/v2/certs/cert-${slug}/domain/`, { domain: host }], status: 201 },
        { send: ['GET', `/v2/certs/cert-${slug}`], status: 200, json: having({ domains: [host] }) },
        { send: ['DELETE', `/v2/certs/cert-${slug}/domain/${host}`], status: 204 },
        { send: ['DELETE', `/v2/certs/cert-${slug}`], status: 204 },
      ],
    },
    { name: 'domains:remove', steps: [{ send: ['DELETE', `${A}/domains/${host}`], status: 204 }] },
    {
      name: 'perms:create, list and delete',
      steps: [
        { send: ['POST', `${A}/perms/`, { username: friend }], status: 201 },
        { send: ['GET', `${A}/perms/`], status: 200, json: { users: [friend] } },
        { send: ['DELETE', `${A}/perms/${friend}`], status: 204 },
        { send: ['GET', `${A}/perms/`], status: 200, json: { users: [] } },
      ],
    },
    {
      name: 'perms:create, list and delete --admin',
      steps: [
        { send: ['POST', '/v2/admin/perms/', { username: friend }], status: 201 },
        { send: ['GET', '/v2/admin/perms/?limit=100'], status: 200, json: listWith({ username: friend }) },
        { send: ['DELETE', `/v2/admin/perms/${friend}`], status: 204 },
      ],
    },
    { name: 'users:list', steps: [{ send: ['GET', '/v2/users/?limit=100'], status: 200, json: listWith({ ...user, username: friend }) }] },
    {
      name: 'users:disable and enable',
      of: newest,
      steps: [
        { send: ['PATCH', `/v2/users/${friend}/disable/`], status: 204 },
        { send: ['PATCH', `/v2/users/${friend}/enable/`], status: 204 },
      ],
    },
    {
      name: 'keys:add, list and remove',
      steps: [
        {
          send: ['POST', '/v2/keys/', { id: `ada@${slug}`, public: newPublicKey(`ada@${slug}`) }],
          status: 201,
          json: having({ id: `ada@${slug}`, public: text, owner: 'ada' }),
        },
        {
          send: ['GET', '/v2/keys/?limit=100'],
          status: 200,
          json: listWith({ id: `ada@${slug}`, public: expect.stringMatching(/^.{16}/) as unknown }),
        },
        { send: ['DELETE', `/v2/keys/ada@${slug}`], status: 204 },
      ],
    },
    {
      name: 'builds:create (pull)',
      of: withPods,
      steps: [
        {
          send: ['POST', `${A}/builds/`, { image: WEB_IMAGE, stack: 'container', procfile: { web: SERVE } }],
          status: 201,
          json: having({ uuid, app: id, image: WEB_IMAGE, procfile: { web: SERVE } }),
        },
        { send: ['GET', `${A}/builds/?limit=100`], status: 200, json: listWith({ uuid, image: WEB_IMAGE, procfile: { web: SERVE } }) },
      ],
    },
    {
      name: 'apps:logs',
      steps: [
        {
          send: ['GET', `${A}/logs?log_lines=100`],
          status: 200,
          then: ({ text: body }) => expect(body).toMatch(/^.{3,}\n$/s),
        },
        { send: ['GET', `${A}/logs`], status: 200 },
      ],
    },
    {
      name: 'apps:run',
      of: withPods,
      steps: [
        { send: ['POST', `${A}/run`, { command: 'echo hi' }], status: 200, json: having({ output: 'hi\n', exit_code: 0 }) },
        { send: ['POST', `${A}/run`, { command: 'exit 3' }], status: 200, json: having({ exit_code: 3 }) },
      ],
    },
    {
      name: 'ps:scale and ps:list',
      of: withPods,
      steps: [
        { send: ['POST', `${A}/scale/`, { web: 2 }], status: 204 },
        { send: ['GET', `${A}/pods/?limit=100`], status: 200, json: listWith(pod) },
        { send: ['GET', `${A}/pods/?limit=1000`], status: 200, json: listWith(pod) },
        {
          send: ['POST', `${A}/scale/`, { nothing: 1 }],
          status: 404,
          json: { detail: expect.stringContaining('does not exist in application') as unknown },
        },
      ],
    },
    {
      name: 'ps:restart of a pod, of a type and of all',
      of: withPods,
      steps: (() => {
        let name = '';
        return [
          {
            send: ['GET', `${A}/pods/?limit=1000`],
            status: 200,
            json: listWith(pod),
            then: ({ json }) => {
              name = (json as { results: { name: string }[] }).results[0]?.name ?? '';
            },
          },
          { send: ['POST', () => `${A}/pods/web/${name}/restart/`], status: 200, json: expect.arrayContaining([having(pod)]) as unknown },
          { send: ['POST', `${A}/pods/web/restart/`], status: 200, json: expect.arrayContaining([having(pod)]) as unknown },
          { send: ['POST', `${A}/pods/restart/`], status: 200, json: expect.arrayContaining([having(pod)]) as unknown },
          { send: ['POST', `${A}/pods/nothing/restart/`], status: 200, json: [] },
        ] satisfies Step[];
      })(),
    },
    {
      name: 'ps:stop and ps:start',
      of: newest,
      steps: [
        { send: ['POST', `${A}/stop/`, { types: ['web'] }], status: 204 },
        // its pods while they end, then a row without a name
        { send: ['GET', `${A}/pods/?limit=100`], status: 200, json: listWith({ type: 'web', state: text, replicas: '2' }) },
        { send: ['POST', `${A}/start/`, { types: ['web'] }], status: 204 },
        { send: ['GET', `${A}/pods/?limit=100`], status: 200, json: listWith(pod) },
      ],
    },
    {
      name: 'releases:list, info and rollback',
      of: withPods,
      steps: [
        {
          send: ['GET', `${A}/releases/?limit=100`],
          status: 200,
          json: listWith({ version: 2, summary: text, created: text, build: null, config: uuid }),
        },
        { send: ['GET', `${A}/releases/v2/`], status: 200, json: having({ version: 2, uuid, app: id, owner: 'ada', summary: text }) },
        { send: ['POST', `${A}/config/`, { values: { FOO: 'baz' } }], status: 201 },
        { send: ['POST', `${A}/releases/rollback/`], status: 201, json: { version: number } },
        { send: ['POST', `${A}/releases/rollback/`, { version: 1 }], status: 201, json: { version: number } },
      ],
    },
    {
      name: 'apps:transfer',
      steps: [
        { send: ['POST', `${A}/`, { owner: friend }], status: 200 },
        { send: ['GET', `${A}/`], status: 200, json: having({ owner: friend }) },
      ],
    },
    { name: 'apps:destroy', steps: [{ send: ['DELETE', `${A}/`], status: 204 }] },
    {
      name: 'auth:cancel of oneself',
      steps: [...login(friend), { as: 'friend', send: ['DELETE', '/v2/auth/cancel/'], status: 204 }],
    },
  ];

  it.each(commands.filter(({ of = all }) => of.includes(program)).map((command) => [command.name, command] as const))(
    '%s',
    async (_, { steps }) => {
      for (const { as, send, status, json, then } of steps) {
        const [method, path, body] = send;
        const url = typeof path === 'string' ? path : path();
        const sent: unknown = typeof body === 'function' ? (body as () => unknown)() : body;
        const client = new CommandLine(program, as === 'nobody' ? keelson.api : as === 'friend' ? friendApi : ada);
        const answer = await (as === 'nobody' && method === 'GET' ? client.check(url) : client.request<never>(method, url, sent));
        expect({ [`${method} ${url}`]: answer.status, text: answer.text }).toMatchObject({ [`${method} ${url}`]: status });
        if (status < 300) {
          expect(Object.fromEntries(answer.headers)).toMatchObject({ drycc_api_version: '2.3', deis_api_version: '2.3' });
        }
        if (json !== undefined) expect(answer.json).toEqual(json);
        then?.(answer as Answer<never>);
      }
    },
  );
});
