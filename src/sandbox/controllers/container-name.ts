import { badRequest } from '../api-error.ts';
import type { Pod } from './objects.ts';

/** The container that a request for a log or an exec means: the only one, if it names none. Throws ApiError 400. */
export function containerName(pod: Pod, asked: string | undefined): string {
  const names = pod.spec.containers.map(({ name }) => name);
  const [only, ...others] = names;
  if (asked === undefined || asked === '') {
    if (only !== undefined && others.length === 0) return only;
    throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: [${names.join(' ')}]`);
  }
  if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  return asked;
}
