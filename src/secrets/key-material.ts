import { randomBytes } from 'node:crypto';
import type { Cluster } from '../kubernetes/cluster.ts';
import { generateSecrets } from '../settings/data-dir.ts';
import { ensureSecret, type SecretPlace } from './generated-secret.ts';

/** What the Secret has to hold, under the names of the settings. */
const NEEDED = ['DRYCC_SECRET_KEY', 'DRYCC_BUILDER_KEY', 'ENCRYPTION_KEYS'] as const;

/**
 * Sees to it that there is a Secret with all key material.
 * @param storedKeys tells the ids of the keys that the database was used with; none: it is new
 * @returns whether it was made
 * @throws {Error} as `ensureSecret`, or where the Secret is missing while the database holds what its keys would open
 */
export async function ensureKeysSecret(
  cluster: Cluster,
  place: SecretPlace,
  storedKeys: () => Promise<readonly string[]>,
): Promise<boolean> {
  return ensureSecret(cluster, place, NEEDED, async () => {
    const stored = await storedKeys();
    if (stored.length > 0) {
      throw new Error(
        `The Secret ${place.namespace}/${place.name} is missing, and this database holds what is encrypted with ${namesOf(stored)}. New keys ` +
          'would not open it: bring the Secret back from a backup, with the same ENCRYPTION_KEYS. To begin anew, take an empty database.',
      );
    }
    return { ...generateSecrets(), SETUP_TOKEN: randomBytes(24).toString('hex') };
  });
}

const namesOf = (ids: readonly string[]): string => `the key${ids.length > 1 ? 's' : ''} ${ids.map((id) => `"${id}"`).join(', ')}`;
