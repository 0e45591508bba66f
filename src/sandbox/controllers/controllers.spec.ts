import { ApiError } from '../api-error.ts';
import { furnish } from '../furnish.ts';
import { GarbageCollector } from '../garbage-collector.ts';
import { NamespaceLifecycle } from '../namespace-lifecycle.ts';
import { QuotaController } from '../quota-controller.ts';
import { Store } from '../store.ts';
import { startControllers, type Controllers } from './controllers.ts';
import type { LogOptions } from './pod-logs.ts';
import type { Container, Deployment, DeploymentCondition, Endpoints, Event, Pod, ReplicaSet } from './objects.ts';

jest.setTimeout(60_000);

const namespace = 'demo';
let store: Store;
let cluster: Controllers;
let others: { stop(): void }[];

beforeEach(async () => {
  store = new Store();
  others = [new NamespaceLifecycle(store), new GarbageCollector(store), new QuotaController(store)];
  cluster = startControllers(store);
  furnish(store, 1);
  store.create('namespaces', { metadata: { name: namespace } });
  await until(() => store.get('serviceaccounts', namespace, 'default'));
});

afterEach(() => {
  cluster.stop();
  for (const other of others) other.stop();
});

/** Settled with the first value that is neither undefined nor false, now or after a change. The test's time limit is the bound. */
function until<T>(look: () => T | undefined | false): Promise<T> {
  return new Promise((resolve) => {
    let over = false;
    const unsubscribe = store.onChange(() => setImmediate(check));
    function check(): void {
      // a change that was told before, and is looked at in the next test
      if (over) return;
      const found = look();
      if (found === undefined || found === false) return;
      over = true;
      unsubscribe();
      resolve(found);
    }
    check();
  });
}

interface Wanted {
  image?: string;
  replicas?: number;
  container?: Partial<Container>;
  spec?: Partial<Deployment['spec']>;
  pod?: Partial<Pod['spec']>;
  annotations?: Record<string, string>;
}

const deploymentOf = (name: string, { image = 'local/web:1', replicas = 1, container, spec, pod, annotations }: Wanted): object => ({
  metadata: { name, namespace, annotations },
  spec: {
    replicas,
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        ...pod,
        containers: [{ name, image, resources: {}, ...container }],
      },
    },
    ...spec,
  },
});

const deploy = (name: string, wanted: Wanted = {}): void => {
  store.create('deployments', deploymentOf(name, wanted));
};

/** Replaces what the Deployment wants, as apply does; annotations of others stay. */
function redeploy(name: string, wanted: Wanted): void {
  const present = deployment(name);
  store.update('deployments', { ...deploymentOf(name, wanted), metadata: present.metadata });
}

function deployment(name: string): Deployment {
  const found = store.get<Deployment>('deployments', namespace, name);
  if (!found) throw new Error(`no Deployment ${name}`);
  return found;
}

const conditionOf = (name: string, type: string): DeploymentCondition | undefined =>
  deployment(name).status?.conditions?.find((condition) => condition.type === type);

const settled = (name: string): Promise<Deployment> =>
  until(() => {
    const found = deployment(name);
    const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = found.status ?? {};
    const counts = [replicas, updatedReplicas, availableReplicas].every((count) => count === found.spec.replicas);
    return observedGeneration === found.metadata.generation && counts && found;
  });

const podsOf = (app: string): Pod[] => store.list<Pod>('pods', namespace).filter(({ metadata }) => metadata.labels?.app === app);
const setsOf = (app: string): ReplicaSet[] =>
  store.list<ReplicaSet>('replicasets', namespace).filter(({ metadata }) => metadata.labels?.app === app);
const state = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
const waiting = (app: string, reason: string): Promise<Pod> =>
  until(() => podsOf(app).find((pod) => state(pod)?.state?.waiting?.reason === reason));
const pod = (name: string): Pod | undefined => store.get<Pod>('pods', namespace, name);
const events = (name: string): Event[] =>
  store.list<Event>('events', namespace).filter(({ involvedObject }) => involvedObject.name === name);
const said = (name: string): string[] => events(name).map(({ reason = '', message = '' }) => `${reason}: ${message}`);

async function logOf(name: string, options: LogOptions = {}): Promise<string> {
  let text = '';
  for await (const piece of cluster.logs.open(namespace, name, undefined, options, new AbortController().signal) ?? []) text += piece;
  return text;
}

describe('a Deployment', () => {
  it('comes up through one ReplicaSet, with the names, labels, status and events of the real one', async () => {
    deploy('web', { replicas: 2, annotations: { note: 'kept', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } });
    const { metadata, status } = await settled('web');
    const [set, ...others] = setsOf('web');
    const hash = set?.metadata.labels?.['pod-template-hash'] ?? '';

    expect(others).toEqual([]);
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{8,10}$/);
    expect(set?.metadata).toMatchObject({ name: `web-${hash}`, ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true }] });
    expect(set?.metadata.annotations).toEqual({
      note: 'kept',
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '2',
      'deployment.kubernetes.io/max-replicas': '3',
    });
    expect(set?.spec.selector).toEqual({ matchLabels: { app: 'web', 'pod-template-hash': hash } });
    expect(metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    expect(status).toMatchObject({ observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 });
    expect(status).not.toHaveProperty('unavailableReplicas');
    expect(conditionOf('web', 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(conditionOf('web', 'Progressing')).toMatchObject({
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "web-${hash}" has successfully progressed.`,
    });
    expect(said('web')).toEqual([`ScalingReplicaSet: Scaled up replica set web-${hash} to 2`]);

    const [first] = podsOf('web');
    const name = first?.metadata.name ?? '';
    expect(name).toMatch(new RegExp(`^web-${hash}-[bcdfghjklmnpqrstvwxz2456789]{5}$`));
    expect(first?.status).toMatchObject({ phase: 'Running', hostIP: '127.0.0.1', podIPs: [{ ip: first?.status?.podIP }] });
    expect(first?.status?.conditions?.map(({ type, status: is }) => `${type}=${is}`)).toEqual([
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
    expect(state(first)).toMatchObject({
      name: 'web',
      ready: true,
      started: true,
      restartCount: 0,
      image: 'docker.io/local/web:1',
      imageID: expect.stringMatching(/^docker\.io\/local\/web@sha256:[0-9a-f]{64}$/) as string,
      containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) as string,
      state: { running: { startedAt: expect.any(String) as string } },
      lastState: {},
    });
    expect(said(name)).toEqual(
      expect.arrayContaining([`Scheduled: Successfully assigned demo/${name} to sandbox-node-1`, 'Started: Started container web']),
    );
    expect(events(name).find(({ reason }) => reason === 'Started')).toMatchObject({
      type: 'Normal',
      count: 1,
      source: { component: 'kubelet', host: 'sandbox-node-1' },
      involvedObject: { kind: 'Pod', uid: first?.metadata.uid, fieldPath: 'spec.containers{web}' },
    });
    expect(events(name).every(({ metadata: { labels } }) => labels === undefined)).toBe(true);
    await until(() => events(name).some(({ reason }) => reason === 'Started'));
  });

  it('rolls out within its surge, never below what has to be available', async () => {
    deploy('web', { replicas: 3 });
    await settled('web');
    const counts: { available: number; pods: number }[] = [];
    store.onChange(({ resource }) => {
      if (resource !== 'pods') return;
      const active = podsOf('web').filter(({ metadata }) => !metadata.deletionTimestamp);
      counts.push({ pods: active.length, available: active.filter((each) => state(each)?.ready).length });
    });
    redeploy('web', { replicas: 3, image: 'local/web:2' });
    await settled('web');

    expect(Math.max(...counts.map(({ pods }) => pods))).toBe(4);
    expect(Math.min(...counts.map(({ available }) => available))).toBe(3);
    expect(deployment('web').metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(setsOf('web').map(({ spec }) => spec.replicas)).toEqual(expect.arrayContaining([0, 3]));
  });

  it('goes back to an earlier template with the ReplicaSet that it had, under a new revision', async () => {
    deploy('web');
    await settled('web');
    const first = setsOf('web')[0]?.metadata.name;
    redeploy('web', { image: 'local/web:2' });
    await settled('web');
    redeploy('web', { image: 'local/web:1' });
    await settled('web');

    expect(setsOf('web')).toHaveLength(2);
    const again = setsOf('web').find(({ metadata }) => metadata.name === first);
    expect(again?.spec.replicas).toBe(1);
    expect(again?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
    expect(deployment('web').metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('keeps as many old ReplicaSets as its history limit says', async () => {
    const spec = { revisionHistoryLimit: 1 };
    deploy('web', { spec });
    for (const image of ['local/web:2', 'local/web:3', 'local/web:4']) {
      await settled('web');
      redeploy('web', { image, spec });
    }
    await settled('web');
    await until(() => setsOf('web').length === 2);
    expect(
      setsOf('web')
        .map(({ metadata }) => metadata.annotations?.['deployment.kubernetes.io/revision'])
        .sort(),
    ).toEqual(['3', '4']);
  });

  it('is scaled up, down and to nothing without a new revision', async () => {
    deploy('web');
    await settled('web');
    for (const replicas of [3, 0, 2]) {
      redeploy('web', { replicas });
      await settled('web');
      await until(() => podsOf('web').length === replicas);
    }
    expect(setsOf('web')).toHaveLength(1);
    expect(deployment('web').metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
  });

  it('with strategy Recreate starts nothing new before the last of the old is gone', async () => {
    const spec = { strategy: { type: 'Recreate' as const } };
    deploy('web', { replicas: 2, spec });
    await settled('web');
    const old = podsOf('web').map(({ metadata }) => metadata.uid);
    const mixed: string[][] = [];
    store.onChange(() => {
      const uids = podsOf('web').map(({ metadata }) => metadata.uid);
      if (uids.some((uid) => old.includes(uid)) && uids.some((uid) => !old.includes(uid))) mixed.push(uids);
    });
    redeploy('web', { replicas: 2, image: 'local/web:2', spec });
    await settled('web');
    expect(mixed).toEqual([]);
  });

  it('holds a new template back while it is paused', async () => {
    deploy('web');
    await settled('web');
    redeploy('web', { image: 'local/web:2', replicas: 2, spec: { paused: true } });
    await until(() => conditionOf('web', 'Progressing')?.reason === 'DeploymentPaused' && podsOf('web').length === 2);
    expect(setsOf('web')).toHaveLength(1);
    redeploy('web', { image: 'local/web:2', replicas: 2 });
    await settled('web');
    expect(setsOf('web')).toHaveLength(2);
  });

  it('says that it makes no progress once its deadline has passed, and keeps the old pods', async () => {
    deploy('web');
    await settled('web');
    redeploy('web', { image: 'local/missing:1', spec: { progressDeadlineSeconds: 1 } });
    const progressing = await until(() => {
      const found = conditionOf('web', 'Progressing');
      // Where the deadline passes before the new pod is there, the pod counts as progress, and the deadline begins again.
      return found?.reason === 'ProgressDeadlineExceeded' && deployment('web').status?.replicas === 2 && found;
    });
    expect(progressing).toMatchObject({
      status: 'False',
      message: expect.stringMatching(/^ReplicaSet "web-\w+" has timed out progressing\.$/) as string,
    });
    expect(deployment('web').status).toMatchObject({ availableReplicas: 1, unavailableReplicas: 1 });
  });

  it('takes a pod for available only after minReadySeconds', async () => {
    deploy('web', { spec: { minReadySeconds: 2 } });
    await until(() => deployment('web').status?.readyReplicas === 1);
    expect(deployment('web').status?.availableReplicas).toBeUndefined();
    await settled('web');
  });
});

describe('a container', () => {
  it('that crashes is restarted, first at once and then with back-off, and is never ready', async () => {
    let ready = false;
    store.onChange(({ resource }) => {
      if (resource === 'pods') ready ||= podsOf('web').some((each) => state(each)?.ready);
    });
    deploy('web', { image: 'local/crash:1' });
    const crashing = await waiting('web', 'CrashLoopBackOff');
    const { name, uid } = crashing.metadata;

    expect(crashing.status?.phase).toBe('Running');
    expect(state(crashing)).toMatchObject({
      restartCount: 1,
      started: false,
      state: { waiting: { message: `back-off 10s restarting failed container=web pod=${name}_demo(${uid})` } },
      lastState: { terminated: { exitCode: 1, reason: 'Error', containerID: expect.stringMatching(/^containerd:/) as string } },
    });
    expect(said(name)).toContain('BackOff: Back-off restarting failed container');
    expect(await logOf(name)).toBe('boom\n');
    const again = await until(() => podsOf('web').find((each) => state(each)?.state?.waiting?.message?.startsWith('back-off 20s')));
    expect(state(again)?.restartCount).toBe(2);
    expect(await logOf(name, { previous: true })).toBe('boom\n');
    expect(ready).toBe(false);
    expect(deployment('web').status?.availableReplicas).toBeUndefined();
  });

  it('whose image is missing waits with ErrImagePull, then ImagePullBackOff', async () => {
    deploy('web', { image: 'registry.local:5000/team/web-missing:7' });
    const refused = await waiting('web', 'ErrImagePull');
    const full = 'registry.local:5000/team/web-missing:7';
    const message = `rpc error: code = NotFound desc = failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${full}: not found`;
    const { name } = refused.metadata;
    expect(refused.status?.phase).toBe('Pending');
    expect(state(refused)?.state?.waiting?.message).toBe(message);
    expect(() => cluster.logs.open(namespace, name, undefined, {}, new AbortController().signal)).toThrow(
      new ApiError(400, 'BadRequest', `container "web" in pod "${name}" is waiting to start: image can't be pulled`),
    );
    const backedOff = await waiting('web', 'ImagePullBackOff');
    expect(state(backedOff)?.state?.waiting?.message).toBe(`Back-off pulling image "${full}"`);
    expect(said(name)).toEqual(
      expect.arrayContaining([
        `Pulling: Pulling image "${full}"`,
        `Failed: Failed to pull image "${full}": ${message}`,
        'Failed: Error: ErrImagePull',
        `BackOff: Back-off pulling image "${full}"`,
        'Failed: Error: ImagePullBackOff',
      ]),
    );
  });

  it.each([
    ['local/denied:1', 'ErrImagePull', /pull access denied/],
    ['Local//x', 'InvalidImageName', /^Failed to apply default image tag "Local\/\/x": .*repository name must be lowercase$/],
  ])('with the image %s waits with %s', async (image, reason, message) => {
    deploy('web', { image });
    expect(state(await waiting('web', reason))?.state?.waiting?.message).toMatch(message);
  });

  it('that takes too much memory ends with OOMKilled and 137', async () => {
    deploy('web', { image: 'local/oom:1' });
    const killed = await waiting('web', 'CrashLoopBackOff');
    expect(state(killed)?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('waits for a Secret that it names, and starts when the Secret and its key are there', async () => {
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } }];
    deploy('web', { container: { env } });
    const missing = await waiting('web', 'CreateContainerConfigError');
    expect(state(missing)?.state?.waiting?.message).toBe('secret "login" not found');
    expect(said(missing.metadata.name)).toContain('Failed: Error: secret "login" not found');

    store.create('secrets', { metadata: { name: 'login', namespace }, data: { user: 'eA==' } });
    await until(() => state(podsOf('web')[0])?.state?.waiting?.message === "couldn't find key password in Secret demo/login");
    const secret = store.get('secrets', namespace, 'login');
    store.update('secrets', { ...secret, data: { password: 'eA==' } });
    await settled('web');
  });

  it('waits for the Secret of its volume', async () => {
    deploy('web', { pod: { volumes: [{ name: 'certs', secret: { secretName: 'tls' } }] } });
    const name = await until(() => podsOf('web')[0]?.metadata.name);
    await until(() => said(name).includes('FailedMount: MountVolume.SetUp failed for volume "certs" : secret "tls" not found'));
    expect(state(pod(name))?.state?.waiting?.reason).toBe('ContainerCreating');
    store.create('secrets', { metadata: { name: 'tls', namespace }, data: {} });
    await settled('web');
  });

  it('is ready when its readiness probe finds it listening, not before', async () => {
    const container = { env: [{ name: 'PORT', value: '8080' }], readinessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 1 } };
    deploy('web', { image: 'local/slow:1', container });
    const running = await until(() => podsOf('web').find((each) => state(each)?.state?.running));
    expect(state(running)).toMatchObject({ started: true, ready: false });
    await until(() =>
      said(running.metadata.name).includes(
        `Unhealthy: Readiness probe failed: dial tcp ${running.status?.podIP ?? ''}:8080: connect: connection refused`,
      ),
    );
    await settled('web');
    expect(await logOf(running.metadata.name)).toBe('listening on 8080\n');
  });

  it('that fails its liveness probe is restarted', async () => {
    const livenessProbe = { httpGet: { port: 5000, path: '/nowhere' }, periodSeconds: 1, failureThreshold: 2 };
    deploy('web', { container: { livenessProbe } });
    const restarted = await until(() => podsOf('web').find((each) => state(each)?.restartCount === 1));
    expect(said(restarted.metadata.name)).toEqual(
      expect.arrayContaining([
        'Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 404',
        'Killing: Container web failed liveness probe, will be restarted',
      ]),
    );
    expect(state(restarted)?.lastState?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
  });

  it('is ready when the command of its probe succeeds', async () => {
    const readinessProbe = { exec: { command: ['sh', '-c', 'echo "not $STATE"; [ "$STATE" = good ]'] }, periodSeconds: 1 };
    deploy('good', { container: { readinessProbe, env: [{ name: 'STATE', value: 'good' }] } });
    deploy('bad', { container: { readinessProbe, env: [{ name: 'STATE', value: 'bad' }] } });
    await settled('good');
    const name = podsOf('bad')[0]?.metadata.name ?? '';
    await until(() => said(name).includes('Unhealthy: Readiness probe failed: not bad\n'));
    expect(state(pod(name))?.ready).toBe(false);
  });

  it('of a Deployment runs a script in the shell if the script can but end', async () => {
    deploy('web', {
      container: { command: ['/bin/sh', '-c'], args: ['echo "cannot find $WHAT"; exit 3'], env: [{ name: 'WHAT', value: 'it' }] },
    });
    const failed = await waiting('web', 'CrashLoopBackOff');
    expect(state(failed)?.lastState?.terminated?.exitCode).toBe(3);
    expect(await logOf(failed.metadata.name)).toBe('cannot find it\n');
  });
});

describe('a pod', () => {
  const run = (name: string, command: string, spec: Partial<Pod['spec']> = {}, container: Partial<Container> = {}): void => {
    store.create('pods', {
      metadata: { name, namespace },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 30,
        containers: [{ name: 'run', image: 'local/web:1', command: ['/bin/sh', '-c'], args: [command], resources: {}, ...container }],
        ...spec,
      },
    });
  };
  const ended = (name: string): Promise<Pod> =>
    until(() => {
      const found = pod(name);
      return (found?.status?.phase === 'Succeeded' || found?.status?.phase === 'Failed') && found;
    });

  it('that runs once keeps its output and its exit code', async () => {
    store.create('configmaps', { metadata: { name: 'settings', namespace }, data: { GREETING: 'hello' } });
    const env = [
      { name: 'WHO', value: 'world' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ];
    run(
      'fails',
      'echo "$GREETING $WHO"\necho "from $POD" >&2\nsleep 0.1\nexit 7',
      {},
      { env, envFrom: [{ configMapRef: { name: 'settings' } }] },
    );
    run('works', 'printf done');

    const failed = await ended('fails');
    expect(failed.status?.phase).toBe('Failed');
    expect(state(failed)?.state?.terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
    expect(await logOf('fails')).toBe('hello world\nfrom fails\n');
    const works = await ended('works');
    expect(works.status?.phase).toBe('Succeeded');
    expect(works.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    expect(state(works)?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(await logOf('works')).toBe('done');
  });

  it('that never comes to an end leaves the cluster responsive and is ended by its deletion', async () => {
    run('busy', 'while :; do for i in $(seq 1 1000000); do :; done; done');
    await until(() => state(pod('busy'))?.state?.running);
    deploy('web');
    await settled('web');
    if (pod('busy')?.status?.phase === 'Running') store.delete('pods', namespace, 'busy');
    await until(() => pod('busy') === undefined || pod('busy')?.status?.phase === 'Failed');
  });

  it('is failed with DeadlineExceeded when its time is over', async () => {
    run('late', 'sleep 600', { activeDeadlineSeconds: 1 });
    const late = await ended('late');
    expect(late.status).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
    await until(() => state(pod('late'))?.state?.terminated);
  });

  it('that no node fits says why, and is scheduled as soon as one does', async () => {
    deploy('web', { pod: { nodeSelector: { disk: 'fast' } } });
    deploy('big', { container: { resources: { requests: { cpu: '64', memory: '1Ti' } } } });
    const unscheduled = (app: string) =>
      until(() => podsOf(app)[0]?.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False'));
    const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity.";
    expect(await unscheduled('web')).toMatchObject({ reason: 'Unschedulable', message });
    expect(await unscheduled('big')).toMatchObject({ message: '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.' });
    const name = podsOf('web')[0]?.metadata.name ?? '';
    await until(() => said(name).includes(`FailedScheduling: ${message}`));
    expect(await logOf(name)).toBe('');

    const node = store.get('nodes', undefined, 'sandbox-node-1');
    store.update('nodes', { ...node, metadata: { ...node?.metadata, labels: { disk: 'fast' } } });
    await settled('web');
  });

  it('that is deleted gets its time to end: Terminating, Killing, gone', async () => {
    deploy('web');
    await settled('web');
    const [first] = podsOf('web');
    const { name = '' } = first?.metadata ?? {};
    store.delete('pods', namespace, name);
    expect(pod(name)?.metadata.deletionTimestamp).toBeDefined();
    expect(state(pod(name))?.state?.running).toBeDefined();
    await until(() => pod(name) === undefined);
    expect(said(name)).toContain('Killing: Stopping container web');
    await settled('web');
    expect(() => cluster.logs.open(namespace, name, undefined, {}, new AbortController().signal)).toThrow(`pods "${name}" not found`);
  });

  it('is gone at once with a grace period of 0', async () => {
    run('busy', 'sleep 600');
    await until(() => state(pod('busy'))?.state?.running);
    store.delete('pods', namespace, 'busy', { gracePeriodSeconds: 0 });
    await until(() => pod('busy') === undefined);
  });

  it('has its log followed until its container ends', async () => {
    deploy('web');
    await settled('web');
    const name = podsOf('web')[0]?.metadata.name ?? '';
    const log = logOf(name, { follow: true, timestamps: true });
    store.delete('pods', namespace, name);
    expect(await log).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z listening on 5000\n$/);
  });

  it('can be entered while it runs', async () => {
    deploy('web', { container: { env: [{ name: 'COLOUR', value: 'blue' }] } });
    await settled('web');
    const name = podsOf('web')[0]?.metadata.name ?? '';
    const request = { namespace, pod: name, command: ['sh', '-c', 'read line; echo "$COLOUR $line"; echo no >&2; exit 4'] };
    expect(await cluster.exec.prepare(request)('sky\n', new AbortController().signal)).toEqual({
      stdout: 'blue sky\n',
      stderr: 'no\n',
      exitCode: 4,
    });
    expect(() => cluster.exec.prepare({ ...request, container: 'other' })).toThrow(`container other is not valid for pod ${name}`);
  });
});

it('a ReplicaSet whose pods are refused says so in its status, its Deployment and an event, and tries again', async () => {
  store.create('resourcequotas', { metadata: { name: 'small', namespace }, spec: { hard: { pods: '1' } } });
  deploy('web', { replicas: 2 });
  const failure = await until(() => conditionOf('web', 'ReplicaFailure'));
  expect(failure).toMatchObject({
    status: 'True',
    reason: 'FailedCreate',
    message: expect.stringContaining('exceeded quota: small') as string,
  });
  const name = setsOf('web')[0]?.metadata.name ?? '';
  expect(setsOf('web')[0]?.status?.conditions?.[0]).toMatchObject({ type: 'ReplicaFailure', reason: 'FailedCreate' });
  expect(said(name).some((words) => /^FailedCreate: Error creating: pods ".*" is forbidden: exceeded quota/.test(words))).toBe(true);

  const quota = store.get('resourcequotas', namespace, 'small');
  store.update('resourcequotas', { ...quota, spec: { hard: { pods: '2' } } });
  await settled('web');
  expect(conditionOf('web', 'ReplicaFailure')).toBeUndefined();
});

it('a Service has the addresses of the pods that it selects, ready and not', async () => {
  deploy('web', { container: { ports: [{ name: 'http', containerPort: 5000 }] } });
  deploy('slow', { image: 'local/slow:1', container: { readinessProbe: { tcpSocket: { port: 9 } } } });
  for (const app of ['web', 'slow']) {
    store.create('services', {
      metadata: { name: app, namespace },
      spec: { selector: { app }, ports: [{ port: 80, targetPort: app === 'web' ? 'http' : 9 }] },
    });
  }
  await settled('web');
  const subsets = (name: string) => store.get<Endpoints>('endpoints', namespace, name)?.subsets;
  const ready = await until(() => subsets('web')?.[0]?.addresses && subsets('web'));
  const [selected] = podsOf('web');
  expect(ready).toMatchObject([
    {
      addresses: [{ ip: selected?.status?.podIP, targetRef: { kind: 'Pod', name: selected?.metadata.name } }],
      ports: [{ port: 5000, protocol: 'TCP' }],
    },
  ]);
  expect(await until(() => subsets('slow'))).toMatchObject([{ notReadyAddresses: [{}], ports: [{ port: 9 }] }]);
});

it('stops with everything at once, in the middle of whatever it does', async () => {
  deploy('web', { replicas: 3 });
  deploy('crash', { image: 'local/crash:1' });
  deploy('missing', { image: 'local/missing:1' });
  await until(() => podsOf('web').some((each) => state(each)?.state?.running));
  cluster.stop();
  const version = store.resourceVersion;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(store.resourceVersion).toBe(version);
});
