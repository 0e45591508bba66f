import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ensureSecret } from '../secrets/generated-secret.ts';
import { Settings } from '../settings/settings.ts';
import { clusterFor } from './cluster-for.ts';

/**
 * `keelson database password --secret NAME`: makes the Secret with the password of the chart's own PostgreSQL in KEELSON_NAMESPACE, unless it
 * is there. So the password is in no template, and stays what it is when the chart is installed again on the same volume.
 */
export async function databasePassword(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { secret: { type: 'string' } } });
  const { ownNamespace: namespace } = Settings.only(process.env, ['ownNamespace']);
  if (values.secret === undefined || namespace === undefined) {
    throw new Error('Say which Secret: KEELSON_NAMESPACE=<namespace> keelson database password --secret <name>');
  }
  const where = { namespace, name: values.secret };
  // hex: it becomes a part of DATABASE_URL
  const made = await ensureSecret(clusterFor('The password of a database'), where, ['password'], () =>
    Promise.resolve({ password: randomBytes(24).toString('hex') }),
  );
  process.stdout.write(`${made ? 'Made the' : 'The'} Secret ${namespace}/${where.name}${made ? '' : ' is there'}.\n`);
  return 0;
}
