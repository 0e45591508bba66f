import type { ConfigContent } from './config-content.ts';

/** The name of each config field in requests and answers. */
export const configFields = {
  values: 'values',
  memory: 'memory',
  cpu: 'cpu',
  tags: 'tags',
  registry: 'registry',
  healthcheck: 'healthcheck',
  terminationGracePeriod: 'termination_grace_period',
  lifecyclePostStart: 'lifecycle_post_start',
  lifecyclePreStop: 'lifecycle_pre_stop',
} as const satisfies Record<keyof ConfigContent, string>;

/** The fields that are plain maps of strings: all but the healthchecks. */
export type MapField = Exclude<keyof ConfigContent, 'healthcheck'>;
export const mapFields = Object.keys(configFields).filter((field) => field !== 'healthcheck') as MapField[];

/** What a map has under a key of its own: `constructor` is a well-formed process type. */
export function entryOf<T>(map: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
