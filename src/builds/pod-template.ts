import type { IContainer, IPodSpec, IProbe, IResourceRequirements } from 'kubernetes-models/v1';
import type { ConfigContent, Probe } from '../config/config-content.ts';
import { entryOf } from '../config/config-fields.ts';
import { environment, portOf, type EnvironmentOptions } from '../config/environment.ts';
import { probeNames, WEB_OR_CMD } from '../config/healthcheck-rules.ts';
import { cpuQuantity, memoryQuantity, parseCpu, parseMemory } from '../config/resource-limits.ts';
import { pullSecret } from '../config/secrets.manifests.ts';
import type { AppSnapshot, BuildSnapshot } from '../deploy/snapshot.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { deploymentName, envSecretName, typeLabel, versionLabel } from '../kubernetes/names.ts';
import type { Settings } from '../settings/settings.ts';
import { flavourOf, imageToRun, type Entrypoint, type ImageOptions } from './flavour.ts';

export type PodOptions = EnvironmentOptions &
  ImageOptions &
  Pick<Settings, 'registrySecretPrefix' | 'imagePullPolicy' | 'terminationGracePeriod' | 'defaultTags'>;

/** What tells one kind of an app's pods from another. */
export interface PodFacts {
  type: string;
  entrypoint: Entrypoint;
  restartPolicy: 'Always' | 'Never';
  /** What only processes that stay up have. */
  container?: Pick<IContainer, 'livenessProbe' | 'readinessProbe' | 'lifecycle'>;
}

/** Labels of all pods of a type of a release. */
export function podLabels(app: AppSnapshot, type: string): Record<string, string> {
  const version = versionLabel(app.release.version);
  return {
    ...appLabels(app),
    type: typeLabel(type),
    version,
    'app.kubernetes.io/component': typeLabel(type),
    'app.kubernetes.io/version': version,
  };
}

const nonEmpty = <T extends object>(map: T): T | undefined => (Object.keys(map).length > 0 ? map : undefined);

function quantities(cpu: number | null | undefined, memory: number | null | undefined): Record<string, string> | undefined {
  const known: Record<string, string> = {};
  if (typeof cpu === 'number') known['cpu'] = cpuQuantity(cpu);
  if (typeof memory === 'number') known['memory'] = memoryQuantity(memory);
  return nonEmpty(known);
}

/** Limits and requests of a type, as quantities in the form that Kubernetes keeps them in. */
function resources(config: ConfigContent, type: string): IResourceRequirements | undefined {
  const cpu = parseCpu(entryOf(config.cpu, type) ?? '');
  const memory = parseMemory(entryOf(config.memory, type) ?? '');
  const limits = quantities(cpu?.limit, memory?.limit);
  const requests = quantities(cpu?.request, memory?.request);
  return nonEmpty({ ...(limits && { limits }), ...(requests && { requests }) });
}

/** Seconds that a pod of the type gets to end by itself: its own, else the app's, else the platform's. */
export function gracePeriod(config: ConfigContent, type: string, options: Pick<PodOptions, 'terminationGracePeriod'>): number {
  const seconds = entryOf(config.terminationGracePeriod, type) ?? config.values['KUBERNETES_POD_TERMINATION_GRACE_PERIOD_SECONDS'];
  return Number(seconds ?? options.terminationGracePeriod);
}

/** The pods of a type: one container with the environment of the release, whose Secret's name makes every release another template. */
export function podSpec(app: AppSnapshot, build: BuildSnapshot, facts: PodFacts, options: PodOptions): IPodSpec {
  const { config, version } = app.release;
  const secret = envSecretName(app.id, version);
  const pull = pullSecret(app, options);
  const nodeSelector = nonEmpty(config.tags) ?? nonEmpty(options.defaultTags);
  const limits = resources(config, facts.type);
  const container: IContainer = {
    name: deploymentName(app.id, facts.type),
    image: imageToRun(app.id, build, options),
    imagePullPolicy: (config.values['IMAGE_PULL_POLICY'] as PodOptions['imagePullPolicy'] | undefined) ?? options.imagePullPolicy,
    ...facts.entrypoint,
    env: Object.keys(environment(app, options)).map((name) => ({ name, valueFrom: { secretKeyRef: { name: secret, key: name } } })),
    ...(limits && { resources: limits }),
    ...facts.container,
    securityContext: { allowPrivilegeEscalation: false },
  };
  return {
    containers: [container],
    restartPolicy: facts.restartPolicy,
    terminationGracePeriodSeconds: gracePeriod(config, facts.type, options),
    // an app has no business with the API server
    automountServiceAccountToken: false,
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    ...(nodeSelector && { nodeSelector: Object.fromEntries(Object.entries(nodeSelector).sort(([a], [b]) => (a < b ? -1 : 1))) }),
    ...(pull && { imagePullSecrets: [{ name: pull.metadata.name }] }),
  };
}

/** A probe as Kubernetes keeps it: its port filled in, its defaults (which 0 stands for) left out. */
function probe(given: Probe, port: number): IProbe {
  const { exec, httpGet, tcpSocket, ...numbers } = given;
  return {
    ...(exec && { exec }),
    ...(httpGet && { httpGet: { ...httpGet, port: httpGet.port ?? port } }),
    ...(tcpSocket && { tcpSocket }),
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0)),
  };
}

/** Fails while the slug runner's own script is still process 1, which makes the app the first process in its place. */
const SLUG_READY = ['/bin/sh', '-c', '! tr "\\0" " " < /proc/1/cmdline | grep -q /runner/init'];

/** Readiness of what gets requests and has no probe of its own. */
function defaultReadiness(build: BuildSnapshot, port: number): IProbe {
  return flavourOf(build) === 'buildpack'
    ? {
        exec: { command: SLUG_READY },
        initialDelaySeconds: 30,
        timeoutSeconds: 5,
        periodSeconds: 5,
        successThreshold: 1,
        failureThreshold: 1,
      }
    : { tcpSocket: { port }, timeoutSeconds: 1, periodSeconds: 1, successThreshold: 1, failureThreshold: 3 };
}

/** Whether requests can go to the type: it is `web` or `cmd`, and the app is published. */
export function isRoutable(app: AppSnapshot, type: string): boolean {
  return (type === 'web' || type === 'cmd') && app.settings.routable;
}

/** Probes and hooks of a process type. */
export function processContainer(app: AppSnapshot, build: BuildSnapshot, type: string): NonNullable<PodFacts['container']> {
  const { config } = app.release;
  const port = portOf(build, config);
  const shared = type === 'web' || type === 'cmd' ? config.healthcheck[WEB_OR_CMD] : undefined;
  const own = entryOf(config.healthcheck, type) ?? shared ?? {};
  const probes = probeNames.flatMap((name): [string, IProbe][] => (own[name] ? [[name, probe(own[name], port)]] : []));
  if (probes.length === 0 && isRoutable(app, type)) probes.push(['readinessProbe', defaultReadiness(build, port)]);
  const hook = (command: string) => ({ exec: { command: ['/bin/sh', '-c', command] } });
  const postStart = entryOf(config.lifecyclePostStart, type);
  const preStop = entryOf(config.lifecyclePreStop, type);
  const lifecycle = nonEmpty({
    ...(postStart !== undefined && { postStart: hook(postStart) }),
    ...(preStop !== undefined && { preStop: hook(preStop) }),
  });
  return { ...Object.fromEntries(probes), ...(lifecycle && { lifecycle }) };
}
