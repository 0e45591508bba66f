/** A probe as a client sends it and as Kubernetes takes it. */
export interface Probe {
  exec?: { command: string[] };
  httpGet?: { path?: string; port?: number; host?: string; scheme?: 'HTTP' | 'HTTPS'; httpHeaders?: { name: string; value: string }[] };
  tcpSocket?: { port: number };
  initialDelaySeconds?: number;
  timeoutSeconds?: number;
  periodSeconds?: number;
  successThreshold?: number;
  failureThreshold?: number;
}

/** Probes by process type; the pseudo type `web/cmd` serves web and cmd when they have none of their own. */
export type Healthchecks = Record<string, { livenessProbe?: Probe; readinessProbe?: Probe }>;

/** What a config says, without whose it is: the input and output of merging. Every map is by variable, tag or process type. */
export interface ConfigContent {
  values: Record<string, string>;
  memory: Record<string, string>;
  cpu: Record<string, string>;
  tags: Record<string, string>;
  registry: Record<string, string>;
  healthcheck: Healthchecks;
  terminationGracePeriod: Record<string, string>;
  lifecyclePostStart: Record<string, string>;
  lifecyclePreStop: Record<string, string>;
}

export const emptyConfig = (): ConfigContent => ({
  values: {},
  memory: {},
  cpu: {},
  tags: {},
  registry: {},
  healthcheck: {},
  terminationGracePeriod: {},
  lifecyclePostStart: {},
  lifecyclePreStop: {},
});

/** A map to merge: a value sets its key, null unsets it. */
export type MapPatch = Record<string, string | null>;

/** What one config request changes, already validated: an absent field stays as it is. */
export interface ConfigPatch {
  values?: MapPatch;
  memory?: MapPatch;
  cpu?: MapPatch;
  tags?: MapPatch;
  registry?: MapPatch;
  /** Two levels: null takes a type or one of its probes away. */
  healthcheck?: Record<string, { livenessProbe?: Probe | null; readinessProbe?: Probe | null } | null>;
  terminationGracePeriod?: MapPatch;
  lifecyclePostStart?: MapPatch;
  lifecyclePreStop?: MapPatch;
}
