/** An image as `docker pull` takes it apart: `[host[:port]/]path[:tag][@digest]`. */
export interface ImageReference {
  /** Host and port of the registry; null: Docker Hub. */
  registry: string | null;
  path: string;
  tag: string | null;
  digest: string | null;
}

// The grammar of references, https://pkg.go.dev/github.com/distribution/reference
const HOST = /^(?:[a-zA-Z\d]|[a-zA-Z\d][-a-zA-Z\d]*[a-zA-Z\d])(?:\.(?:[a-zA-Z\d]|[a-zA-Z\d][-a-zA-Z\d]*[a-zA-Z\d]))*(?::\d+)?$/;
const IPV6_HOST = /^\[[a-fA-F\d:]+\](?::\d+)?$/;
const PATH = /^[a-z\d]+(?:(?:\.|_|__|-+)[a-z\d]+)*(?:\/[a-z\d]+(?:(?:\.|_|__|-+)[a-z\d]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z\d]*(?:[-_+.][A-Za-z][A-Za-z\d]*)*:[\da-fA-F]{32,}$/;
const MAX_NAME_LENGTH = 255;

/** The first part is a registry only if it cannot be the first part of a path. */
const namesRegistry = (first: string): boolean => /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();

/** The parts of an image reference; null if it is none. */
export function parseImage(image: string): ImageReference | null {
  const [beforeDigest = '', digest = null, ...rest] = image.split('@');
  const slash = beforeDigest.indexOf('/');
  const first = beforeDigest.slice(0, Math.max(slash, 0));
  const registry = slash > 0 && namesRegistry(first) ? first : null;
  const [path = '', tag = null, ...more] = (registry === null ? beforeDigest : beforeDigest.slice(slash + 1)).split(':');
  const isHost = registry === null || HOST.test(registry) || IPV6_HOST.test(registry);
  const isName = isHost && PATH.test(path) && path.length + (registry?.length ?? 0) < MAX_NAME_LENGTH;
  const isReference = isName && (tag === null || TAG.test(tag)) && (digest === null || DIGEST.test(digest));
  return isReference && rest.length === 0 && more.length === 0 ? { registry, path, tag, digest } : null;
}

/** Whether a registry's host is the machine itself: each node would look for it somewhere else. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '').toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || /^127(\.\d+){1,3}$/.test(host) || /^\[(0*:)*0*1\]$/.test(host);
}

/** The key that pull secrets file an image's registry under; null if it is no reference. */
export function imageRegistryHost(image: string): string | null {
  const reference = parseImage(image);
  if (!reference) return null;
  const { registry } = reference;
  return registry === null || registry === 'docker.io' || registry === 'index.docker.io' ? 'https://index.docker.io/v1/' : registry;
}
