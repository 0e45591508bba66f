import type { Cluster } from '../kubernetes/cluster.ts';
import { MissingPermission, ObjectConflict } from '../kubernetes/cluster-errors.ts';
import { SECRET } from '../kubernetes/object-kind.ts';

/** Where in the cluster a Secret of Keelson's own is. */
export interface SecretPlace {
  namespace: string;
  name: string;
}

/**
 * Sees to it that there is a Secret. One that is there is never changed; if another process makes it at the same time, that one is taken.
 * @param needed keys that it has to have
 * @param generate gives what a new one holds; it isn't asked while there is one
 * @returns whether it was made
 * @throws {Error} in words where the Secret that is there lacks something, or may not be read or made; and what `generate` throws
 */
export async function ensureSecret(
  cluster: Cluster,
  place: SecretPlace,
  needed: readonly string[],
  generate: () => Promise<Record<string, string>>,
): Promise<boolean> {
  const { namespace, name } = place;
  try {
    if (await isThere(cluster, place, needed)) return false;
    let data: Record<string, string>;
    try {
      data = await generate();
    } catch (error) {
      // another process may have made it since it was looked for
      if (await isThere(cluster, place, needed)) return false;
      throw error;
    }
    await cluster.create({
      apiVersion: SECRET.apiVersion,
      kind: SECRET.kind,
      metadata: { name, namespace, labels: { 'app.kubernetes.io/name': 'keelson' } },
      type: 'Opaque',
      data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
    });
    return true;
  } catch (error) {
    if (error instanceof ObjectConflict) {
      await isThere(cluster, place, needed);
      return false;
    }
    if (error instanceof MissingPermission) {
      throw new Error(`Keelson may not read or create the Secret ${namespace}/${name}: ${error.message}`);
    }
    throw error;
  }
}

async function isThere(cluster: Cluster, { namespace, name }: SecretPlace, needed: readonly string[]): Promise<boolean> {
  const secret = await cluster.get(SECRET, namespace, name);
  if (!secret) return false;
  const data = (secret.data ?? {}) as Record<string, unknown>;
  const missing = needed.filter((key) => typeof data[key] !== 'string' || data[key] === '');
  if (missing.length === 0) return true;
  throw new Error(
    `The Secret ${namespace}/${name} is there and lacks ${missing.join(', ')}: it is not changed. Add what is missing to it.`,
  );
}
