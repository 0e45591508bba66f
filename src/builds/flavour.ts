import { entryOf } from '../config/config-fields.ts';
import type { BuildSnapshot } from '../deploy/snapshot.ts';
import type { Settings } from '../settings/settings.ts';

/** How a build was made, which decides what is run and how. */
export type Flavour = 'dockerfile' | 'buildpack' | 'image';

export function flavourOf(build: Pick<BuildSnapshot, 'sha' | 'dockerfile'>): Flavour {
  if (build.dockerfile) return 'dockerfile';
  return build.sha ? 'buildpack' : 'image';
}

/** The structure that an app's first build gets. */
export function defaultStructure(build: BuildSnapshot): Record<string, number> {
  if (Object.hasOwn(build.procfile, 'web')) return { web: 1 };
  if (flavourOf(build) !== 'buildpack') return { cmd: 1 };
  return Object.keys(build.procfile).length > 0 ? {} : { web: 1 };
}

/** The types that a build can run, sorted: those of its Procfile, `cmd` always, and what it starts with by default. */
export function processTypes(build: BuildSnapshot): string[] {
  return [...new Set([...Object.keys(build.procfile), 'cmd', ...Object.keys(defaultStructure(build))])].sort();
}

export type ImageOptions = Pick<Settings, 'registryLocation' | 'registryHost' | 'registryPort' | 'slugRunnerImage'>;

/** The image that the containers of a build run. */
export function imageToRun(app: string, build: BuildSnapshot, options: ImageOptions): string {
  const internalRegistry = `${options.registryHost}:${options.registryPort}`;
  switch (flavourOf(build)) {
    case 'buildpack':
      return options.slugRunnerImage;
    case 'image':
      return build.image;
    case 'dockerfile':
      if (options.registryLocation === 'off-cluster' || !build.sha || build.image.startsWith(`${internalRegistry}/`)) return build.image;
      return `${internalRegistry}/${app}:git-${build.sha}`;
  }
}

/** What a container is started with; an absent field leaves it to the image. */
export interface Entrypoint {
  command?: string[];
  args?: string[];
}

const SHELL = ['/bin/sh', '-c'];
const SLUG_RUNNER = ['/runner/init'];

/** How a process type of a build is started. A type that the build doesn't have is left to the image: it has no pods. */
export function processEntrypoint(build: BuildSnapshot, type: string): Entrypoint {
  if (flavourOf(build) === 'buildpack') return { command: SLUG_RUNNER, args: ['start', type] };
  const command = entryOf(build.procfile, type);
  if (command === undefined) return {};
  return type === 'cmd' ? { args: command.split(/\s+/).filter(Boolean) } : { command: SHELL, args: [command] };
}

/**
 * How a one-off command is started.
 * @param command for a shell; or words that no shell is to read
 */
export function runEntrypoint(build: BuildSnapshot, command: string | readonly string[]): Entrypoint {
  const isSlug = flavourOf(build) === 'buildpack';
  if (typeof command === 'string') return { command: isSlug ? SLUG_RUNNER : SHELL, args: [command] };
  const words = command.map(unexpanded);
  // The slug runner unpacks the app, and has a shell run all that it is given as one line: this one puts the program in the shell's place,
  // be it named like something of the shell's own.
  return isSlug ? { command: SLUG_RUNNER, args: [`exec -- ${words.map(quoted).join(' ')}`] } : { command: words };
}

/** Kubernetes replaces `$(NAME)` in a container's command. */
const unexpanded = (word: string): string => word.replaceAll('$', '$$$$');

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
