import { newNamespace, startSides, type ClusterSide, type ClusterSides, type Json } from './cluster-sides.ts';
import { ObservedNamespace, type ContainerStatus } from './observed-rollout.ts';

/**
 * Whole roll-outs, from the apply to where they get: the order of what containers, pods, ReplicaSets and Deployments go through, and
 * the events' words. How long it takes, and how often something is repeated, isn't compared; nor in which order the events come, as those who
 * write them don't wait for each other.
 */

interface Scenario {
  what: string;
  /** How it is told from others. */
  name: string;
  container?: Json;
  pod?: Json;
  spec?: Json;
  /** What is in the namespace before: paths below it with bodies. */
  before?: [plural: string, body: Json][];
  /** Its process ends at once: a kubelet may see it running before, and without a probe takes it for ready then. */
  brief?: true;
  until: (observed: ObservedNamespace) => boolean;
  /** After that. */
  then?: (observed: ObservedNamespace) => Promise<void>;
}

const container = (observed: ObservedNamespace): ContainerStatus | undefined => observed.live('Pod')[0]?.status?.containerStatuses?.[0];
const isWaiting =
  (reason: string) =>
  (observed: ObservedNamespace): boolean =>
    container(observed)?.state.waiting?.reason === reason;
const hasEvent =
  (reason: string) =>
  (observed: ObservedNamespace): boolean =>
    observed.states('Event').some((event) => event.reason === reason);
const hasCondition =
  (type: string, reason: string) =>
  (observed: ObservedNamespace): boolean =>
    observed.live('Deployment').some(({ status }) => status?.conditions?.some((each) => each.type === type && each.reason === reason));
const all =
  (...conditions: ((observed: ObservedNamespace) => boolean)[]) =>
  (observed: ObservedNamespace): boolean =>
    conditions.every((holds) => holds(observed));

const hasWords =
  (words: string) =>
  (observed: ObservedNamespace): boolean =>
    observed.states('Event').some(({ message }) => message?.includes(words));

/** A Deployment whose pods there are has heard of them. */
const isUnderWay = (observed: ObservedNamespace): boolean =>
  observed.live('Pod').length === 0 || !hasCondition('Progressing', 'NewReplicaSetCreated')(observed);

const isComplete = (observed: ObservedNamespace): boolean =>
  observed.live('Deployment').every(({ spec, status, metadata }) => {
    const { replicas } = spec as { replicas: number };
    const {
      observedGeneration,
      updatedReplicas = 0,
      replicas: present = 0,
      availableReplicas = 0,
    } = (status ?? {}) as Record<string, number>;
    const { generation } = metadata as unknown as { generation: number };
    return observedGeneration === generation && updatedReplicas === replicas && present === replicas && availableReplicas === replicas;
  }) && observed.live('Deployment').length > 0;

const readinessProbe: Json = { httpGet: { path: '/healthz', port: 5000 }, periodSeconds: 1 };

const scenarios: Scenario[] = [
  {
    what: 'that comes up, is replaced by the next version, scaled and ended',
    name: 'up',
    spec: { replicas: 2 },
    container: { readinessProbe },
    until: isComplete,
    then: async (observed) => {
      await apply(observed, 'up', { image: 'local/web:2', readinessProbe }, {}, { replicas: 2 });
      await observed.until(
        'the next version',
        all(hasImage('local/web:2'), isComplete, (seen) => seen.live('Pod').length === 2),
      );
      await apply(observed, 'up', { image: 'local/web:2', readinessProbe }, {}, { replicas: 0 });
      await observed.until(
        'no pods',
        all(isComplete, (seen) => seen.live('Pod').length === 0),
      );
      await observed.side.ask({ method: 'DELETE', path: `${observed.deployments}/up?propagationPolicy=Background` });
      await observed.until('nothing', (seen) => seen.live('Deployment').length + seen.live('ReplicaSet').length === 0);
    },
  },
  {
    what: 'whose process exits',
    name: 'exits',
    brief: true,
    container: { image: 'local/crash:1' },
    until: all(isWaiting('CrashLoopBackOff'), hasEvent('BackOff')),
  },
  {
    what: 'whose command ends with another code',
    name: 'code',
    brief: true,
    container: { command: ['sh', '-c', 'echo no; exit 3'] },
    until: all(isWaiting('CrashLoopBackOff'), hasEvent('BackOff')),
  },
  {
    what: 'whose process ends in order',
    name: 'ends',
    brief: true,
    container: { command: ['sh', '-c', 'exit 0'] },
    until: all(isWaiting('CrashLoopBackOff'), hasEvent('BackOff')),
  },
  {
    what: 'that runs out of memory',
    name: 'memory',
    brief: true,
    container: { command: ['sh', '-c', 'tail /dev/zero'], resources: { limits: { memory: '20Mi' } } },
    until: all(isWaiting('CrashLoopBackOff'), hasEvent('BackOff')),
  },
  {
    what: 'whose registry is out of reach',
    name: 'registry',
    container: { image: 'registry.invalid/web:1' },
    until: all(isWaiting('ImagePullBackOff'), hasEvent('BackOff')),
  },
  {
    what: 'whose image has no valid name',
    name: 'invalid',
    container: { image: 'local/Web:1' },
    until: all(isWaiting('InvalidImageName'), hasEvent('Failed')),
  },
  {
    what: 'whose image is not on the node and not to be pulled',
    name: 'never',
    container: { image: 'local/missing:1', imagePullPolicy: 'Never' },
    until: all(isWaiting('ErrImageNeverPull'), hasEvent('Failed')),
  },
  {
    what: 'that selects a node that is not there',
    name: 'selector',
    pod: { nodeSelector: { nope: '1' } },
    until: all(hasEvent('FailedScheduling'), hasCondition('Progressing', 'ReplicaSetUpdated')),
  },
  {
    what: 'that wants more than any node has',
    name: 'resources',
    container: { resources: { requests: { cpu: '1000', memory: '1000Gi' } } },
    until: all(hasEvent('FailedScheduling'), hasCondition('Progressing', 'ReplicaSetUpdated')),
  },
  {
    what: 'whose secret is missing',
    name: 'secret',
    container: { envFrom: [{ secretRef: { name: 'none' } }] },
    until: all(isWaiting('CreateContainerConfigError'), hasEvent('Failed')),
  },
  {
    what: 'whose key is missing in its secret',
    name: 'key',
    before: [['secrets', { metadata: { name: 'some' }, stringData: { a: 'b' } }]],
    container: { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'some', key: 'none' } } }] },
    until: all(isWaiting('CreateContainerConfigError'), hasEvent('Failed')),
  },
  {
    what: 'whose volume has no secret',
    name: 'volume',
    pod: { volumes: [{ name: 'files', secret: { secretName: 'none' } }] },
    container: { volumeMounts: [{ name: 'files', mountPath: '/files' }] },
    until: all(hasWords('secret "none" not found'), (observed) => container(observed) !== undefined),
  },
  {
    what: 'that is not alive',
    name: 'alive',
    container: { livenessProbe: { httpGet: { path: '/nope', port: 5000 }, periodSeconds: 1, failureThreshold: 2, initialDelaySeconds: 2 } },
    until: all(
      hasEvent('Killing'),
      hasCondition('Available', 'MinimumReplicasAvailable'),
      (observed) => (container(observed)?.restartCount ?? 0) > 0 && container(observed)?.state.running !== undefined,
    ),
  },
  {
    what: 'that never gets ready in its time',
    name: 'ready',
    spec: { progressDeadlineSeconds: 5 },
    container: { readinessProbe: { httpGet: { path: '/nope', port: 5000 }, periodSeconds: 1, initialDelaySeconds: 2 } },
    until: all(
      hasCondition('Progressing', 'ProgressDeadlineExceeded'),
      hasEvent('Unhealthy'),
      (observed) => container(observed)?.state.running !== undefined,
    ),
  },
  {
    what: 'beyond the quota',
    name: 'quota',
    before: [['resourcequotas', { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } }]],
    until: all(hasCondition('ReplicaFailure', 'FailedCreate'), hasEvent('FailedCreate')),
  },
  {
    what: 'beyond the limit range',
    name: 'limits',
    before: [['limitranges', { metadata: { name: 'small' }, spec: { limits: [{ type: 'Container', max: { memory: '10Mi' } }] } }]],
    container: { resources: { limits: { memory: '20Mi' } } },
    until: all(hasCondition('ReplicaFailure', 'FailedCreate'), hasEvent('FailedCreate')),
  },
];

const hasImage =
  (image: string) =>
  (observed: ObservedNamespace): boolean =>
    observed.live('Deployment').every(({ spec }) => JSON.stringify(spec).includes(image));

async function apply(observed: ObservedNamespace, name: string, container: Json = {}, pod: Json = {}, spec: Json = {}): Promise<void> {
  await observed.side.ask({
    method: 'PATCH',
    path: `${observed.deployments}/${name}?fieldManager=keelson&force=true`,
    type: 'application/apply-patch+yaml',
    body: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 2,
            containers: [{ name: 'web', image: 'local/web:1', ...container }],
            ...pod,
          },
        },
        ...spec,
      },
    },
  });
}

/** What a real node may say on its way, and what isn't of the roll-out: whether it had the image, probes before the process listens. */
const noise =
  /^Normal Pull(ing|ed): .*"local\/|default-token|failed to sync secret cache|ContainerStatusUnknown|Unhealthy: Readiness probe failed: Get/;

interface Told {
  /** One after the other. A state that is short may have been missed. */
  order: Record<string, string[]>;
  /** In no order, and each may have been missed that was short: one in which something isn't so yet. */
  passing: Record<string, string[]>;
  /** In no order. */
  set: Record<string, string[]>;
}

async function observe(side: ClusterSide, scenario: Scenario): Promise<Told> {
  const { name, before = [], brief } = scenario;
  const observed = new ObservedNamespace(side, newNamespace(name));
  await side.makeNamespace(observed.namespace);
  try {
    for (const [plural, body] of before) await side.ask({ method: 'POST', path: `${observed.core}/${plural}`, body });
    observed.start();
    const container = { ...(brief ? { readinessProbe } : {}), ...scenario.container };
    await apply(observed, name, container, scenario.pod, scenario.spec);
    await observed.until(scenario.what, all(scenario.until, isUnderWay));
    await scenario.then?.(observed);
    const heard = (said: string[]): string[] => said.filter((each) => !noise.test(each));
    return {
      order: {
        containers: heard(observed.containersOf(name)).filter((state) => !brief || !state.startsWith('running')),
        phases: observed.phasesOf(name),
        replicaSet: observed.conditionsOf('ReplicaSet', name),
        deployment: observed.conditionsOf('Deployment', name),
      },
      passing: { pod: observed.conditionsOf('Pod', name).sort() },
      set: {
        words: observed.wordsOf('Deployment', name),
        podEvents: heard(observed.eventsOf('Pod', name)).sort(),
        replicaSetEvents: observed.eventsOf('ReplicaSet', name).sort(),
        deploymentEvents: observed.eventsOf('Deployment', name).sort(),
      },
    };
  } finally {
    await observed.stop();
    await side.removeNamespace(observed.namespace);
  }
}

/** Those of the sandbox's states that were seen in the real cluster, in the sandbox's order: all that were seen there, if they are alike. */
const seenToo = (real: string[], sandbox: string[]): string[] => sandbox.filter((each) => real.includes(each));

/** So many at once: one kubelet tells of no more in time. */
const AT_ONCE = 4;

let sides: ClusterSides;
const runs = new Map<string, Promise<[Told, Told]>>();

beforeAll(async () => {
  sides = await startSides();
  const turns = Array.from({ length: AT_ONCE }, () => Promise.resolve<unknown>(undefined));
  for (const [at, scenario] of scenarios.entries()) {
    const turn = at % AT_ONCE;
    const run = (turns[turn] ?? Promise.resolve()).then(() =>
      Promise.all([observe(sides.real, scenario), observe(sides.sandbox, scenario)]),
    );
    runs.set(scenario.name, run);
    turns[turn] = run.catch(() => undefined); // its test tells
  }
});

afterAll(async () => {
  await Promise.allSettled(runs.values());
  await sides.stop();
});

describe('a roll-out', () => {
  it.each(scenarios)('$what', async ({ name }) => {
    const [real, sandbox] = (await runs.get(name)) ?? [];
    expect(sandbox?.set).toEqual(real?.set);
    for (const [of, states] of Object.entries(real?.passing ?? {})) {
      const answer = sandbox?.passing[of] ?? [];
      expect([of, ...seenToo(states, answer)]).toEqual([of, ...states]);
      for (const missed of answer.filter((state) => !states.includes(state)))
        expect([of, missed]).toEqual([of, expect.stringContaining('=False')]);
    }
    for (const [of, states] of Object.entries(real?.order ?? {})) {
      const answer = sandbox?.order[of] ?? [];
      expect([of, ...seenToo(states, answer)]).toEqual([of, ...states]);
      expect([of, answer.at(-1)]).toEqual([of, states.at(-1)]);
    }
  });
});
