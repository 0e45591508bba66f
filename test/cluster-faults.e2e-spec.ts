import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterCache } from '../src/kubernetes/cluster-cache.ts';
import type { KubernetesObject } from '../src/kubernetes/kubernetes-object.ts';
import { POD } from '../src/kubernetes/object-kind.ts';
import { notAsDesired } from './as-desired.ts';
import { FaultProxy, type Rule } from './fault-proxy.ts';
import { SLOW_IMAGE, WEB_2_IMAGE, WEB_IMAGE } from './images.ts';
import { startKeelson, type Answer, type Api, type Keelson } from './keelson.ts';
import { eventually } from './keelson-process.ts';
import { destroyApps, LiveApp, newAppId } from './live-app.ts';
import { startSandboxProcess, type SandboxProcess } from './sandbox-process.ts';
import { clusterOf, ownKubeconfig } from './test-cluster.ts';

interface Release {
  version: number;
  failed: boolean;
  state: string;
}
interface OperationAnswer {
  id: string;
  kind: string;
  state: string;
  step: string;
  cause: { class: string; message: string } | null;
}
interface Page<T> {
  count: number;
  results: T[];
}

const ASYNC = { headers: { Prefer: 'respond-async' } };
const DENIED =
  'deployments.apps "x" is forbidden: User "keelson" cannot patch resource "deployments" in API group "apps" in the namespace "x"';
const MUTATIONS = ['PATCH', 'POST', 'DELETE', 'PUT'] as const;

jest.setTimeout(600_000);

describe('under faults of the cluster', () => {
  let sandbox: SandboxProcess | undefined;
  let kubeconfig: string;
  let proxy: FaultProxy;
  let keelson: Keelson;
  let ada: Api;

  const releases = async (app: string, api = ada): Promise<Release[]> =>
    (await api.get<Page<Release>>(`/v2/apps/${app}/releases?limit=1000`)).json.results;
  const operations = async (app: string, api = ada): Promise<OperationAnswer[]> =>
    (await api.get<Page<OperationAnswer>>(`/v2/apps/${app}/operations?limit=1000`)).json.results;
  const expectOk = (status: number, answer: Answer<unknown>): void => {
    expect({ status: answer.status, text: status === answer.status ? '' : answer.text }).toEqual({ status, text: '' });
  };
  const make = async (prefix: string, api = ada): Promise<string> => {
    const id = newAppId(prefix);
    expectOk(201, await api.post('/v2/apps', { id }));
    expectOk(201, await api.post(`/v2/apps/${id}/builds`, { image: WEB_IMAGE }));
    return id;
  };
  /** Nothing of the app failed, nothing is left undone, and the cluster is as recorded. */
  const expectHealthy = async (app: string, api = ada, of = keelson): Promise<void> => {
    await eventually(async () => {
      expect((await operations(app, api)).filter(({ state }) => state === 'pending' || state === 'running')).toEqual([]);
    });
    expect((await releases(app, api)).filter(({ failed }) => failed)).toEqual([]);
    expect((await operations(app, api)).filter(({ state }) => state === 'failed')).toEqual([]);
    expect(await notAsDesired(of, app)).toEqual([]);
  };

  beforeAll(async () => {
    if (!ownKubeconfig) sandbox = await startSandboxProcess();
    kubeconfig = ownKubeconfig ?? sandbox?.kubeconfig ?? '';
    proxy = await FaultProxy.start(kubeconfig);
    keelson = await startKeelson({ KUBECONFIG: await proxy.kubeconfig() });
    ada = await keelson.register('ada');
  });

  afterEach(() => {
    proxy.inject();
  });

  afterAll(async () => {
    proxy.inject();
    await destroyApps(ada);
    await keelson.stop();
    await proxy.stop();
    await sandbox?.stop();
  });

  describe('that pass', () => {
    /** One app for each operation, all of them at once. */
    const apps: Record<string, string> = {};

    beforeAll(async () => {
      await Promise.all(
        ['deploy', 'config', 'scale', 'rollback', 'domain', 'restart', 'run'].map(async (what) => {
          apps[what] = await make(what);
        }),
      );
    });

    const app = (what: string): string => apps[what] ?? '';
    const live = (what: string): LiveApp => new LiveApp(keelson, app(what));

    let round = 0;
    /** Each does something under the fault, and returns what to look at when it is over. */
    const OPERATIONS: Record<string, () => Promise<() => Promise<void>>> = {
      deploy: async () => {
        const image = round % 2 === 0 ? WEB_IMAGE : WEB_2_IMAGE;
        expectOk(201, await ada.post(`/v2/apps/${app('deploy')}/builds`, { image }));
        return async () => {
          expect(await live('deploy').image('cmd')).toBe(image);
        };
      },
      config: async () => {
        const values = { [`ROUND_${String(round)}`]: 'x' };
        expectOk(201, await ada.post(`/v2/apps/${app('config')}/config`, { values }));
        return async () => {
          const { json } = await ada.get<{ values: Record<string, string> }>(`/v2/apps/${app('config')}/config`);
          expect(json.values).toMatchObject(values);
        };
      },
      scale: async () => {
        const count = 1 + (round % 2);
        expectOk(204, await ada.post(`/v2/apps/${app('scale')}/scale`, { cmd: count }));
        return async () => {
          expect(await live('scale').replicas('cmd')).toBe(count);
        };
      },
      rollback: async () => {
        const [before] = await releases(app('rollback'));
        const version = before?.version ?? 0;
        expectOk(201, await ada.post(`/v2/apps/${app('rollback')}/config`, { values: { ROUND: String(round) } }));
        expectOk(201, await ada.post(`/v2/apps/${app('rollback')}/releases/rollback`, { version }));
        return async () => {
          const [newest] = await releases(app('rollback'));
          expect(newest?.version).toBe(version + 2);
        };
      },
      domain: async () => {
        const domain = `round-${String(round)}.${app('domain')}.test`;
        const former = `round-${String(round - 1)}.${app('domain')}.test`;
        expectOk(201, await ada.post(`/v2/apps/${app('domain')}/domains`, { domain }));
        if (round > 1) await ada.delete(`/v2/apps/${app('domain')}/domains/${former}`);
        return async () => {
          const hosts = await live('domain').hosts();
          expect(hosts).toContain(domain);
          expect(hosts).not.toContain(former);
        };
      },
      restart: async () => {
        const before = restarts;
        expectOk(200, await ada.post(`/v2/apps/${app('restart')}/pods/cmd/restart`));
        return async () => {
          restarts = await live('restart').revision('cmd');
          expect(restarts).toBeGreaterThan(before);
        };
      },
      run: async () => {
        const answer = await ada.post<{ exit_code: number; output: string }>(`/v2/apps/${app('run')}/run`, { command: 'echo hi' });
        expectOk(200, answer);
        return () => {
          expect(answer.json).toEqual({ exit_code: 0, output: 'hi\n' });
          return Promise.resolve();
        };
      },
      destroy: async () => {
        const id = newAppId('destroy');
        expectOk(201, await ada.post('/v2/apps', { id }));
        expectOk(201, await ada.post(`/v2/apps/${id}/config`, { values: { A: 'b' } }));
        expectOk(204, await ada.delete(`/v2/apps/${id}`));
        return async () => {
          expectOk(404, await ada.get(`/v2/apps/${id}`));
          await eventually(async () => {
            expect(await new LiveApp(keelson, id).namespace()).toBeNull();
          });
        };
      },
    };
    let restarts = 1;

    const once = (fault: Rule['fault'], rest: Partial<Rule> = {}): Rule => ({ fault, watches: false, times: 1, ...rest });
    const mutations = (fault: Rule['fault']): Rule => once(fault, { methods: MUTATIONS });

    it.each<[string, Rule[]]>([
      ['dropped connections', [once({ does: 'drop' })]],
      ['429 with Retry-After', [once({ does: 'answer', status: 429, retryAfter: 1 })]],
      ['500', [once({ does: 'answer', status: 500 })]],
      ['rights that take effect late', [mutations({ does: 'answer', status: 403, reason: 'Forbidden', message: DENIED })]],
      ['503 and 504', [once({ does: 'answer', status: 503 }), once({ does: 'answer', status: 504 }, { methods: MUTATIONS })]],
      ['409 to mutations', [mutations({ does: 'answer', status: 409, reason: 'Conflict' })]],
      ['mutations that are carried out and answered 504', [mutations({ does: 'lose', status: 504 })]],
      ['answers that are cut in the middle', [once({ does: 'cut' })]],
      ['a slow API server', [{ fault: { does: 'delay', milliseconds: 700 } }]],
      ['watches that end at once', [{ fault: { does: 'close', milliseconds: 50 }, watches: true, times: 5 }]],
      ['watches refused by 410', [{ fault: { does: 'answer', status: 410, reason: 'Expired' }, watches: true, times: 3 }]],
      ['watches that say that their version is gone', [{ fault: { does: 'expire' }, watches: true, times: 3 }]],
      ['watches refused by 500', [{ fault: { does: 'answer', status: 500 }, watches: true, times: 2 }]],
      ['calls that hang until their time is up', [mutations({ does: 'hang' })]],
    ])('%s', async (_, rules) => {
      round += 1;
      proxy.inject(...rules);
      // what stands would not meet the fault
      if (rules.some(({ watches }) => watches !== false)) proxy.disconnect();
      const outcomes = await Promise.allSettled(Object.values(OPERATIONS).map((operation) => operation()));
      proxy.inject();
      expect(proxy.calls.some(({ fault }) => fault !== undefined)).toBe(true);
      const failures = outcomes.flatMap((outcome, index) =>
        outcome.status === 'rejected' ? [`${Object.keys(OPERATIONS)[index] ?? ''}: ${String(outcome.reason)}`] : [],
      );
      expect(failures).toEqual([]);
      // connections that broke are known to be broken by now
      await eventually(async () => expect(await live('deploy').namespace()).not.toBeNull());
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value();
      for (const id of Object.values(apps)) await expectHealthy(id);
      proxy.calls.length = 0;
    });
  });

  describe('while the API server is away', () => {
    let away: Keelson;
    let api: Api;

    beforeAll(async () => {
      away = await startKeelson({ KUBECONFIG: await proxy.kubeconfig(), REQUEST_WAIT: '120' });
      api = await away.register('ada');
    });

    afterAll(async () => {
      proxy.inject();
      await destroyApps(api);
      await away.stop();
    });

    /** Everything fails for a while, also what stands already. */
    const outage = async (fault: Rule['fault'], during: () => Promise<void>): Promise<void> => {
      proxy.inject({ fault });
      proxy.disconnect();
      try {
        await during();
      } finally {
        proxy.inject();
      }
    };
    const operation = async (path: string): Promise<OperationAnswer> => (await api.get<OperationAnswer>(path)).json;
    const ended = async (path: string): Promise<void> =>
      eventually(async () => {
        expect((await operation(path)).state).toMatch(/succeeded|superseded/);
      });

    it('records everything, says so, joins who repeats a creation, and does it all later, without a storm of calls', async () => {
      const hasty = await startKeelson({ KUBECONFIG: await proxy.kubeconfig(), REQUEST_WAIT: '3' });
      const bob = await hasty.register('bob');
      const done = async (location: string): Promise<void> =>
        eventually(async () => {
          expect((await bob.get<OperationAnswer>(location)).json.state).toMatch(/succeeded|superseded/);
        });
      const patiently = async (path: string, body: object): Promise<void> => {
        const answer = await bob.post(path, body, ASYNC);
        if (answer.status !== 201) expectOk(202, answer);
        if (answer.status === 202) await done(answer.headers.get('location') ?? '');
      };
      const names = ['deploy', 'config', 'scale', 'rollback', 'domain', 'destroy'];
      const apps = Object.fromEntries(names.map((what) => [what, newAppId(what)]));
      const path = (what: string): string => `/v2/apps/${apps[what] ?? ''}`;
      await Promise.all(
        names.map(async (what) => {
          await patiently('/v2/apps', { id: apps[what] });
          await patiently(`${path(what)}/builds`, { image: WEB_IMAGE });
        }),
      );
      await patiently(`${path('rollback')}/config`, { values: { A: 'b' } });
      const created = newAppId('created');
      const locations: string[] = [];
      const expectRecorded = (answer: Answer): string => {
        expect({ status: answer.status, detail: answer.json.detail }).toEqual({
          status: 503,
          detail: expect.stringMatching(/^recorded, will be applied/) as string,
        });
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
        const location = answer.headers.get('location') ?? '';
        expect(location).toMatch(/^\/v2\/operations\//);
        return location;
      };
      await outage({ does: 'drop' }, async () => {
        const began = performance.now();
        const before = proxy.calls.length;
        const answers = await Promise.all([
          bob.post(`${path('deploy')}/builds`, { image: WEB_2_IMAGE }),
          bob.post(`${path('config')}/config`, { values: { A: 'b' } }),
          bob.post(`${path('scale')}/scale`, { cmd: 2 }),
          bob.post(`${path('rollback')}/releases/rollback`, { version: 2 }),
          bob.post(`${path('domain')}/domains`, { domain: `away.${created}.test` }),
          bob.delete(path('destroy')),
          bob.post('/v2/apps', { id: created }),
        ]);
        locations.push(...answers.map(expectRecorded));
        const [create] = locations.slice(-1);
        expect(expectRecorded(await bob.post('/v2/apps', { id: created }))).toBe(create);
        expect(expectRecorded(await bob.post(`${path('domain')}/domains`, { domain: `away.${created}.test` }))).toBe(locations[4]);
        for (const location of locations) {
          await eventually(async () => {
            expect((await bob.get<OperationAnswer>(location)).json.cause?.class).toBe('unreachable');
          });
        }
        // a hot loop would make thousands
        const seconds = (performance.now() - began) / 1000;
        expect(proxy.calls.length - before).toBeLessThan(300 + 20 * seconds);
      });
      for (const location of locations) await done(location);
      const live = (what: string): LiveApp => new LiveApp(hasty, apps[what] ?? '');
      expect(await live('deploy').image('cmd')).toBe(WEB_2_IMAGE);
      expect(await live('scale').replicas('cmd')).toBe(2);
      expect(await live('domain').hosts()).toContain(`away.${created}.test`);
      expectOk(404, await bob.get(path('destroy')));
      expect((await releases(created, bob)).map(({ version }) => version)).toEqual([1]);
      for (const what of names.slice(0, -1)) await expectHealthy(apps[what] ?? '', bob, hasty);
      await expectHealthy(created, bob, hasty);
      for (const id of [created, ...names.slice(0, -1).map((what) => apps[what] ?? '')]) {
        const answer = await bob.delete(`/v2/apps/${id}`, undefined, ASYNC);
        await done(answer.headers.get('location') ?? '');
      }
      await hasty.stop();
    });

    it('does not let the clock of a deploy run on, and shows why it waits', async () => {
      const app = await make('clock', api);
      expectOk(201, await api.post(`/v2/apps/${app}/config`, { values: { DRYCC_DEPLOY_TIMEOUT: '15', DELAY: '6' } }));
      const deploy = await api.post(`/v2/apps/${app}/builds`, { image: SLOW_IMAGE }, ASYNC);
      const location = deploy.headers.get('location') ?? '';
      await eventually(async () => {
        expect((await operation(location)).step).toBe('waiting');
      });
      await outage({ does: 'drop' }, async () => {
        await eventually(async () => {
          expect((await operation(location)).cause?.class).toBe('unreachable');
        });
        await sleep(20_000);
        expect((await operation(location)).state).toBe('running');
      });
      await ended(location);
      await expectHealthy(app, api, away);
    });

    it('takes no Deployment for late that the watches only do not show', async () => {
      const app = await make('silent', api);
      expectOk(201, await api.post(`/v2/apps/${app}/config`, { values: { DRYCC_DEPLOY_TIMEOUT: '5' } }));
      // accepted, and nothing comes: as from a server that is paused
      proxy.inject({ fault: { does: 'mute' }, watches: true });
      proxy.disconnect();
      const deploy = await api.post(`/v2/apps/${app}/builds`, { image: WEB_2_IMAGE }, ASYNC);
      const location = deploy.headers.get('location') ?? '';
      await eventually(async () => {
        expect((await operation(location)).step).toBe('waiting');
      });
      await sleep(12_000);
      expect((await operation(location)).state).toBe('running');
      proxy.inject();
      proxy.disconnect();
      await ended(location);
      await expectHealthy(app, api, away);
    });

    it('waits for as long as a 429 asks it to', async () => {
      const app = await make('patient', api);
      const patches = (): number[] =>
        proxy.calls.filter(({ method, path }) => method === 'PATCH' && path.includes(`/${app}/`)).map(({ at }) => at);
      proxy.calls.length = 0;
      proxy.inject({ fault: { does: 'answer', status: 429, retryAfter: 8 }, methods: ['PATCH'], times: 1 });
      expectOk(201, await api.post(`/v2/apps/${app}/config`, { values: { A: 'b' } }));
      const [first = 0, ...others] = patches();
      // what was sent beside the first is on its way already
      expect(others.filter((at) => at > first + 2_000 && at < first + 7_900)).toEqual([]);
      expect(others.length).toBeGreaterThan(0);
      await expectHealthy(app, api, away);
    });

    it('answers reads by asking itself while the watches are broken', async () => {
      const app = await make('reads', api);
      const pods = async (): Promise<string[]> =>
        (await api.get<Page<{ name: string; state: string }>>(`/v2/apps/${app}/pods`)).json.results
          .filter(({ state }) => state === 'up')
          .map(({ name }) => name);
      const [before] = await pods();
      proxy.inject({ fault: { does: 'answer', status: 503 }, watches: true });
      proxy.disconnect();
      const cache = away.app.get(ClusterCache);
      await eventually(() => {
        expect(cache.fresh()).toBe(false);
        return Promise.resolve();
      });
      const cluster = clusterOf(away);
      await eventually(async () => {
        const [pod] = await cluster.list(POD, app, `app=${app}`);
        if (pod && pod.metadata.name === before) await cluster.remove(POD, app, pod.metadata.name, pod.metadata.uid ?? '');
      });
      await eventually(async () => {
        const now = await pods();
        expect(now).toHaveLength(1);
        expect(now).not.toContain(before);
      });
      // a scale that is answered is seen, too
      const scaled = api.post(`/v2/apps/${app}/scale`, { cmd: 2 });
      await eventually(async () => {
        expect(await new LiveApp(away, app).replicas('cmd')).toBe(2);
      });
      expect(cache.fresh()).toBe(false);
      proxy.inject();
      expectOk(204, await scaled);
      await expectHealthy(app, api, away);
    });

    it('says when a namespace cannot be deleted, keeps the app, and deletes it when asked again', async () => {
      const app = await make('kept', api);
      const refuse = { does: 'answer', status: 403, message: 'admission says no' } as const;
      proxy.inject({ fault: refuse, methods: ['DELETE'], path: new RegExp(`/namespaces/${app}(\\?|$)`), times: 1 });
      const refused = await api.delete(`/v2/apps/${app}`);
      expect([refused.status, refused.json.detail]).toEqual([503, `Could not delete Kubernetes Namespace ${app} within 30 seconds`]);
      expectOk(200, await api.get(`/v2/apps/${app}`));
      expectOk(204, await api.delete(`/v2/apps/${app}`));
      expectOk(404, await api.get(`/v2/apps/${app}`));
    });

    it('ends a destroy whose namespace is stuck, and refuses its name until it is gone', async () => {
      const app = await make('stuck', api);
      const cluster = clusterOf(away);
      const secret = (finalizers: string[]): KubernetesObject => {
        const metadata: object = { name: 'stuck', namespace: app, finalizers };
        return { apiVersion: 'v1', kind: 'Secret', metadata: metadata as KubernetesObject['metadata'] };
      };
      await cluster.create(secret(['keelson.dev/test']));
      expectOk(204, await api.delete(`/v2/apps/${app}`));
      expectOk(404, await api.get(`/v2/apps/${app}`));
      expectOk(404, await api.delete(`/v2/apps/${app}`));
      const taken = await api.post('/v2/apps', { id: app });
      expect([taken.status, taken.json.detail]).toEqual([409, `${app} already exists as a namespace in this kuberenetes setup`]);
      await cluster.patch(secret([]));
      await eventually(async () => {
        expect(await new LiveApp(away, app).namespace()).toBeNull();
      });
      expectOk(201, await api.post('/v2/apps', { id: app }));
    });
  });
});
