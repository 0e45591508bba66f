import { once } from 'node:events';
import { get, request, type IncomingMessage } from 'node:http';
import { startSandbox, type Sandbox } from '../sandbox.ts';
import type { StoredObject } from '../stored-object.ts';
import type { BegunFault, FaultRequest } from './fault.ts';

jest.setTimeout(120_000);

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startSandbox({ port: 0, faultsPort: 0 });
});

afterEach(() => sandbox.stop());

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: unknown;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text.startsWith('{') ? JSON.parse(text) : undefined };
}

const api = (path: string, init?: RequestInit): Promise<Answer> => ask(`${sandbox.url}${path}`, init);
const faultApi = (path: string, init?: RequestInit): Promise<Answer> => ask(`${sandbox.faultsUrl ?? ''}${path}`, init);

async function begin(fault: FaultRequest): Promise<BegunFault> {
  const { status, json } = await faultApi('/faults', { method: 'POST', body: JSON.stringify(fault) });
  expect(status).toBe(201);
  return json as BegunFault;
}

async function lift(id: number): Promise<void> {
  expect((await faultApi(`/faults/${id}`, { method: 'DELETE' })).status).toBe(204);
}

const maps = '/api/v1/namespaces/default/configmaps';
const create = (name: string): Promise<Answer> =>
  api(maps, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ metadata: { name } }) });

/** Settled with the first value that is neither undefined nor false, now or after a change. */
function until<T>(look: () => T | undefined | false): Promise<T> {
  return new Promise((resolve) => {
    const unsubscribe = sandbox.store.onChange(() => setImmediate(check));
    function check(): void {
      const found = look();
      if (found === undefined || found === false) return;
      unsubscribe();
      resolve(found);
    }
    check();
  });
}

/** A watch's events as they come, and its end. */
async function watch(query = ''): Promise<{ names: () => string[]; next: (name: string) => Promise<void>; ended: Promise<unknown> }> {
  const [response] = (await once(get(`${sandbox.url}${maps}?watch=1${query}`), 'response')) as [IncomingMessage];
  const seen: string[] = [];
  response.on('error', () => undefined); // cut off
  response.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      const { object } = JSON.parse(line) as { object: { metadata?: { name?: string }; code?: number } };
      seen.push(object.metadata?.name ?? String(object.code));
    }
  });
  const next = async (name: string): Promise<void> => {
    while (!seen.includes(name)) await once(response, 'data');
  };
  return { names: () => seen, next, ended: new Promise((resolve) => response.once('close', resolve)) };
}

const pod = (name: string): StoredObject | undefined => sandbox.store.get('pods', 'default', name);
const makePod = (name: string): void => {
  sandbox.store.create('pods', { metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'web', image: 'local/web:1' }] } });
};
const ready = (name: string, status: string) => (): boolean =>
  (pod(name)?.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions?.some(
    (each) => each.type === 'Ready' && each.status === status,
  ) ?? false;
const nodeReady = (): string | undefined =>
  sandbox.store
    .get<{ status: { conditions: { type: string; status: string }[] } }>('nodes', undefined, 'sandbox-node-1')
    ?.status.conditions.find(({ type }) => type === 'Ready')?.status;

describe('the fault API', () => {
  it('names every fault of what it was sent', async () => {
    const sent = { fault: 'answer', code: 200, share: 2, verb: 'get' };
    const { status, json } = await faultApi('/faults', { method: 'POST', body: JSON.stringify(sent) });
    expect([status, json]).toMatchObject([400, { faults: { fieldErrors: { code: [expect.any(String)], share: [expect.any(String)] } } }]);
    expect((await faultApi('/faults', { method: 'POST', body: 'x' })).status).toBe(400);
    expect((await faultApi('/faults', { method: 'POST', body: '{"fault":"stop-kubelet","node":"none"}' })).status).toBe(404);
    expect((await faultApi('/faults/7', { method: 'DELETE' })).status).toBe(404);
    expect((await faultApi('/faults', { headers: { origin: 'http://a.b' } })).status).toBe(403);
  });

  it('lists the faults that stand, with how often each has struck, and lifts all of them', async () => {
    const { id } = await begin({ fault: 'answer', code: 503, resources: ['configmaps'] });
    expect((await api(maps)).status).toBe(503);
    expect((await faultApi('/faults')).json).toMatchObject({ faults: [{ id, asked: { fault: 'answer', code: 503 }, struck: 1 }] });
    expect((await faultApi('/faults', { method: 'DELETE' })).status).toBe(204);
    expect((await faultApi('/faults')).json).toEqual({ faults: [] });
    expect((await api(maps)).status).toBe(200);
  });
});

describe('the API server', () => {
  it('refuses connections until that is lifted, and has what it had', async () => {
    await create('before');
    const watched = await watch();
    const { id } = await begin({ fault: 'refuse' });
    await watched.ended;
    const refused: unknown = await fetch(sandbox.url).catch((error: unknown) => (error as Error).cause);
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
    await lift(id);
    expect((await api(`${maps}/before`)).status).toBe(200);
  });

  it('is back by itself when the time is up', async () => {
    await begin({ fault: 'refuse', seconds: 0.05 });
    while ((await faultApi('/faults')).text !== '{"faults":[]}');
    expect((await api('/readyz')).status).toBe(200);
  });

  it('hangs: calls wait and watches are silent until that is lifted, then they go on in order', async () => {
    const watched = await watch();
    const { id } = await begin({ fault: 'hang' });
    const answers = [create('one'), create('two')];
    while (!(await faultApi('/faults')).text.includes('"struck":2'));
    sandbox.store.create('configmaps', { metadata: { name: 'unseen', namespace: 'default' } });
    expect(sandbox.store.list('configmaps', 'default')).toHaveLength(1);
    expect(watched.names()).toEqual([]);
    await lift(id);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([201, 201]);
    await watched.next('two');
    expect(watched.names()[0]).toBe('unseen');
  });

  it('answers too many requests as Kubernetes does', async () => {
    await begin({ fault: 'answer', code: 429, retryAfter: 3, verbs: ['create'], count: 1 });
    const { status, headers, text } = await create('a');
    expect([status, headers.get('retry-after'), text]).toEqual([429, '3', 'Too many requests, please try again later.\n']);
    expect((await create('a')).status).toBe(201);
  });

  it.each([
    [409, 'Conflict'],
    [410, 'Expired'],
    [500, 'InternalError'],
    [503, 'ServiceUnavailable'],
    [504, 'Timeout'],
  ])('answers %i with its reason', async (code, reason) => {
    await begin({ fault: 'answer', code });
    expect((await api(maps)).json).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
  });

  it('strikes an even share of the calls that are meant, and no others', async () => {
    const { id } = await begin({
      fault: 'answer',
      code: 500,
      verbs: ['list'],
      resources: ['configmaps'],
      namespaces: ['default'],
      share: 0.5,
    });
    const codes = [];
    for (let call = 0; call < 6; call++) codes.push((await api(maps)).status);
    expect(codes).toEqual([200, 500, 200, 500, 200, 500]);
    const others = [maps.replace('default', 'kube-system'), `${maps}/none`, '/api/v1/pods', '/version'];
    expect((await Promise.all(others.map((path) => api(path)))).map(({ status }) => status)).toEqual([200, 404, 200, 200]);
    await lift(id);
  });

  it('is slow', async () => {
    await begin({ fault: 'slow', milliseconds: 80, verbs: ['list'] });
    const began = performance.now();
    expect((await api(maps)).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(75);
  });

  it.each([
    [false, 404],
    [true, 200],
  ])('cuts a connection with the call executed: %p', async (executed, after) => {
    const { id } = await begin({ fault: 'cut', executed, verbs: ['create'] });
    await expect(create('cut')).rejects.toThrow('fetch failed');
    await lift(id);
    expect((await api(`${maps}/cut`)).status).toBe(after);
  });

  it('cuts commands in containers off', async () => {
    await begin({ fault: 'cut', resources: ['pods/exec'] });
    const path = `${sandbox.url}/api/v1/namespaces/default/pods/web/exec?command=ls`;
    const upgrade = request(path, { headers: { connection: 'Upgrade', upgrade: 'websocket' } }).end();
    await expect(once(upgrade, 'response')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('closes watches, and forgets the past', async () => {
    const watched = await watch();
    const { resourceVersion } = ((await create('a')).json as StoredObject).metadata;
    await create('b');
    await watched.next('b');
    expect(await begin({ fault: 'close-watches', resources: ['configmaps'] })).toMatchObject({ struck: 1 });
    await watched.ended;

    const again = await watch(`&resourceVersion=${resourceVersion}`);
    await again.next('b');
    await begin({ fault: 'compact' });
    const expired = await watch(`&resourceVersion=${resourceVersion}`);
    await expired.next('410');
  });
});

describe('a node whose kubelet stops', () => {
  it('is lost with its pods, which are replaced only on paper, and is as before when the kubelet is back', async () => {
    makePod('web');
    await until(ready('web', 'True'));
    const { id } = await begin({ fault: 'stop-kubelet' });
    sandbox.store.delete('pods', 'default', 'web');
    makePod('late');
    expect((await api('/api/v1/namespaces/default/pods/web/log')).json).toMatchObject({
      code: 500,
      message: expect.stringContaining('connection refused') as string,
    });
    await until(() => nodeReady() === 'Unknown');
    await until(ready('web', 'False'));
    expect(sandbox.store.get('nodes', undefined, 'sandbox-node-1')).toMatchObject({
      spec: {
        taints: [
          { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' },
          { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' },
        ],
      },
    });
    makePod('nowhere');
    const refused = await until(
      () => (pod('nowhere')?.status as { conditions?: { message?: string }[] } | undefined)?.conditions?.[0]?.message,
    );
    expect(refused).toBe("0/1 nodes are available: 1 node(s) had taint {node.kubernetes.io/unreachable: }, that the pod didn't tolerate.");
    expect(pod('web')?.metadata.deletionTimestamp).toBeDefined();

    await lift(id);
    await until(() => pod('web') === undefined);
    await until(ready('late', 'True'));
    await until(ready('nowhere', 'True'));
    expect(nodeReady()).toBe('True');
  });

  it('has its pods deleted when their time there is up', async () => {
    sandbox.store.create('pods', {
      metadata: { name: 'short', namespace: 'default' },
      spec: {
        containers: [{ name: 'web', image: 'local/web:1' }],
        tolerations: [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }],
      },
    });
    await until(ready('short', 'True'));
    await begin({ fault: 'stop-kubelet' });
    await until(() => pod('short')?.metadata.deletionTimestamp);
    expect(sandbox.store.list<{ reason?: string }>('events', 'default').map(({ reason }) => reason)).toContain('TaintManagerEviction');
  });
});

it('a rotated log has lost what was printed, and whoever follows it is cut off', async () => {
  makePod('web');
  await until(ready('web', 'True'));
  const path = '/api/v1/namespaces/default/pods/web/log';
  while (!(await api(path)).text.includes('listening'));
  const followed = api(`${path}?follow=true`);
  await until(() => true);
  await begin({ fault: 'rotate-log', namespace: 'default', pod: 'web' });
  expect((await followed).status).toBe(200);
  expect((await api(path)).text).toBe('');
});
