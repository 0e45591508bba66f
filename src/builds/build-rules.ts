import { flavourOf } from './flavour.ts';
import { isLoopback, parseImage } from './image-reference.ts';
import { processTypeFault } from './process-type-name.ts';

/** Of a commit id; it becomes part of an image's tag. */
export const SHA_PATTERN = /^[\w.-]*$/;
export const SHA_MESSAGE = 'Can only contain letters, digits, ".", "_" and "-"';
export const MAX_SHA_LENGTH = 40;
export const MAX_STACK_LENGTH = 32;

/** Linux takes no longer argument (MAX_ARG_STRLEN, its final NUL included). */
const MAX_COMMAND_BYTES = 128 * 1024;

/** What is wrong with a build's image. That of a buildpack build is the address of a slug, which can be anything. */
export function imageFaults({ image, sha, dockerfile }: { image: string; sha: string; dockerfile: string }): string[] {
  const reference = parseImage(image);
  if (!reference)
    return flavourOf({ sha, dockerfile }) === 'buildpack' ? [] : ['Not a valid image reference, such as registry.example.com/team/app:1.0'];
  const { registry } = reference;
  return registry !== null && isLoopback(registry)
    ? [`The registry ${registry} is a loopback address, which the nodes of the cluster cannot pull from`]
    : [];
}

/** What is wrong with a Procfile: a map of process types to commands. */
export function procfileFaults(procfile: Record<string, unknown>): string[] {
  const faults = Object.entries(procfile).flatMap(([type, command]) => [processTypeFault(type), commandFault(type, command)]);
  return [...new Set(faults.filter((fault) => fault !== null))];
}

function commandFault(type: string, command: unknown): string | null {
  if (command === null || command === undefined || command === '') return "Command can't be empty for process type";
  if (typeof command !== 'string') return `The command of ${type} must be a string`;
  if (command.trim() === '') return "Command can't be empty for process type";
  return Buffer.byteLength(command) < MAX_COMMAND_BYTES ? null : `The command of ${type} can have at most ${MAX_COMMAND_BYTES - 1} bytes`;
}
