import { timing } from './timing.ts';
import { shellScript } from './virtual-shell.ts';

/**
 * What the sandbox makes of an image: it pulls nothing, the name says how the image behaves. The last part of the path counts, or the tag:
 * `registry.local/team/web-crash:1` and `web:crash` both crash.
 */
export type ImageBehaviour = 'server' | 'crash' | 'missing' | 'denied' | 'slow' | 'oom';

const named = ['crash', 'missing', 'denied', 'slow', 'oom'] as const;

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  `^(?:[a-zA-Z0-9.-]+(?::\\d+)?/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[a-z0-9+.-]+:[0-9a-fA-F]{32,})?$`,
);

/** What is wrong with an image's name, in Docker's words; undefined if nothing is. */
export function referenceFault(image: string): string | undefined {
  if (reference.test(image)) return undefined;
  const path = image.replace(/^[^/]*[.:][^/]*\//, '').replace(/[:@].*/, '');
  return /[A-Z]/.test(path) ? 'invalid reference format: repository name must be lowercase' : 'invalid reference format';
}

export function behaviourOf(image: string): ImageBehaviour {
  const last = image.slice(image.lastIndexOf('/') + 1).replace(/@.*/, '');
  const [name = '', tag = ''] = last.split(':');
  return named.find((each) => name.endsWith(each) || tag.endsWith(each)) ?? 'server';
}

/** The reference as containerd spells it: with registry and tag. */
export function fullReference(image: string): string {
  const slash = image.indexOf('/');
  const host = image.slice(0, Math.max(0, slash));
  const withHost = /[.:]|^localhost$/.test(host) ? image : `docker.io/${slash < 0 ? 'library/' : ''}${image}`;
  return /:[^/]*$|@/.test(withHost.slice(withHost.lastIndexOf('/'))) ? withHost : `${withHost}:latest`;
}

/** Hosts below `.invalid` are nowhere (RFC 2606), so a registry there can't be reached, in any cluster. */
export const isUnreachable = (image: string): boolean => /\.invalid(:\d+)?$/.test(registryOf(fullReference(image)));

/** Of a full reference: `docker.io`. */
export const registryOf = (reference: string): string => reference.slice(0, reference.indexOf('/'));

/** What a container does once it runs. */
export type Program =
  | { kind: 'server'; port: number; listenAfter: number; paths?: readonly string[] }
  | { kind: 'end'; output: string; exitCode: number; reason?: 'OOMKilled'; after: number }
  /** `brief`: it has ended before anybody sees it run. */
  | { kind: 'script'; argv: string[]; brief: boolean };

/** What the demonstration images local/web and local/slow answer; any other image answers every path. */
const demonstration = /(^|\/)local\/(web|slow)(:|$)/;
const demonstrationPaths = ['/', '/index.html', '/healthz', '/cgi-bin/env'];

const outOfMemory: Program = { kind: 'end', output: '', exitCode: 137, reason: 'OOMKilled', after: timing.runOutOfMemory };

/** `tail /dev/zero` looks for a last line until there is no memory left, in any cluster. */
const eatsMemory = (argv: string[]): boolean => /(^|[\s;/])tail \/dev\/zero\b/.test(argv.join(' '));

/**
 * `argv` is the container's command with its arguments, empty if the image's own is to run. What runs once (a restart policy other than
 * Always) runs in the virtual shell. What Kubernetes keeps running is taken for a server, whatever its command: only a script that can but
 * end, like `echo x; exit 3`, runs in the shell as well.
 */
export function programOf(image: string, argv: string[], env: Record<string, string>, restartPolicy: string): Program {
  const behaviour = behaviourOf(image);
  const brief = endsAtOnce(argv);
  if (eatsMemory(argv)) return outOfMemory;
  if (argv.length > 0 && (restartPolicy !== 'Always' || brief)) return { kind: 'script', argv, brief: brief && !sleeps(argv) };
  if (behaviour === 'crash') return { kind: 'end', output: 'boom\n', exitCode: 1, after: 0 };
  if (behaviour === 'oom') return outOfMemory;
  const delay = Number.parseFloat(env.DELAY ?? '') * 1000;
  return {
    kind: 'server',
    port: Number(env.PORT ?? '') || 5000,
    listenAfter: Number.isFinite(delay) ? delay : behaviour === 'slow' ? timing.listenSlowly : timing.listen,
    paths: demonstration.test(image) ? demonstrationPaths : undefined,
  };
}

const briefCommands = new Set(['exit', 'false', 'true', ':', 'echo', 'printf', 'export', 'set', 'test', '[', 'sleep']);

const sleeps = (argv: string[]): boolean => /\bsleep\b/.test(shellScript(argv) ?? '');

/** A shell script of nothing but plain commands that end: with `sleep` only if it then exits. */
function endsAtOnce(argv: string[]): boolean {
  const script = shellScript(argv);
  if (script === undefined) return false;
  const words = script
    .split(/[\n;]|&&|\|\|/)
    .map(
      (part) =>
        part
          .trim()
          .replace(/^(\w+=\S*(\s+|$))+/, '')
          .split(/\s+/)[0] ?? '',
    )
    .filter(Boolean);
  if (words[0] === 'exit' || words[0] === 'false') return true;
  return words.every((word) => briefCommands.has(word)) && (!words.includes('sleep') || words.includes('exit') || words.at(-1) === 'false');
}
