import { BadRequest } from '../http/errors.ts';

type Tags = Record<string, string>;

/** The nodes that carry all the tags as labels; every node where there are no tags. */
export function matchingNodes<T extends { labels: Record<string, string> }>(nodes: readonly T[], tags: Tags): T[] {
  const wanted = Object.entries(tags);
  return nodes.filter(({ labels }) => wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value));
}

const listed = (entries: [string, string][]): string =>
  entries
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(', ');

/**
 * Why tags that no node carries are refused.
 * @param previous the tags before: what is new against them is named as the cause
 */
export function noMatchingNodes(tags: Tags, previous: Tags): BadRequest {
  const entries = Object.entries(tags);
  const added = entries.filter(([key, value]) => !Object.hasOwn(previous, key) || previous[key] !== value);
  const cause = added.length > 0 ? ` - Addition of ${listed(added)} is the cause` : '';
  return new BadRequest(`No nodes matched the provided labels: ${listed(entries)}${cause}`);
}
