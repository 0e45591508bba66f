import { flavourOf } from '../builds/flavour.ts';
import type { AppSnapshot, BuildSnapshot } from '../deploy/snapshot.ts';
import { versionLabel } from '../kubernetes/names.ts';
import type { Settings } from '../settings/settings.ts';
import type { ConfigContent } from './config-content.ts';

export type EnvironmentOptions = Pick<Settings, 'builderStorage' | 'minioHost' | 'minioPort'>;

/** The port that processes listen on unless told otherwise, and that of the slug runner always. */
const DEFAULT_PORT = 5000;
/** A summary names every key that changed: annotations and variables take only so much of it. */
const MAX_SUMMARY_LENGTH = 4096;

/** The port that requests for an app go to. */
export function portOf(build: BuildSnapshot | null, config: ConfigContent): number {
  return build && flavourOf(build) === 'buildpack' ? DEFAULT_PORT : Number(config.values['PORT'] ?? DEFAULT_PORT);
}

/** A release's summary where the cluster is to show it: cut at the end if it is very long. */
export function shortSummary(summary: string): string {
  return summary.length <= MAX_SUMMARY_LENGTH ? summary : `${Array.from(summary).slice(0, MAX_SUMMARY_LENGTH).join('')}…`;
}

/** The environment of every process of a release, sorted by name: what the platform says about it, and its config's values, which win. */
export function environment(app: AppSnapshot, options: EnvironmentOptions): Record<string, string> {
  const { build, config, created, summary, version } = app.release;
  const port = String(portOf(build, config));
  const slug = build && flavourOf(build) === 'buildpack' ? build.image : undefined;
  const platform = {
    DRYCC_APP: app.id,
    DRYCC_RELEASE: versionLabel(version),
    WORKFLOW_RELEASE: versionLabel(version),
    WORKFLOW_RELEASE_SUMMARY: shortSummary(summary),
    WORKFLOW_RELEASE_CREATED_AT: created,
    SOURCE_VERSION: build?.sha || undefined,
    PORT: port,
    SLUG_URL: slug,
    BUILDER_STORAGE: slug && options.builderStorage,
    DRYCC_MINIO_SERVICE_HOST: slug && options.minioHost,
    DRYCC_MINIO_SERVICE_PORT: slug && options.minioPort,
  };
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(platform)) if (value !== undefined) variables.set(name, value);
  for (const [name, value] of Object.entries(config.values)) variables.set(name, value);
  // A slug listens where it is told to, but requests go to the slug runner's port.
  if (slug !== undefined) variables.set('PORT', port);
  return Object.fromEntries([...variables].sort(([a], [b]) => (a < b ? -1 : 1)));
}
