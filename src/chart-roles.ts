import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { randomBytes } from 'node:crypto';
import { MANIFESTS } from './app.module.ts';
import { clusterRoles, type PolicyRule } from './deploy/cluster-roles.ts';
import type { ManifestSource } from './deploy/manifest-source.ts';
import { POD_RIGHTS } from './pods/cluster-rights.ts';
import { Settings } from './settings/settings.ts';

/** Nothing is started, so no data folder shall be made, and no secret is needed. Traefik's kinds are declared only with its annotations. */
const settings = Settings.parse({ INGRESS_ANNOTATIONS: 'traefik' }, () => ({
  DRYCC_SECRET_KEY: randomBytes(32).toString('hex'),
  DRYCC_BUILDER_KEY: randomBytes(32).toString('hex'),
  ENCRYPTION_KEYS: `none:${randomBytes(32).toString('base64')}`,
}));

/** Only the manifest sources, with what they ask for. */
@Module({})
class Sources {}

/** `helm/files/roles.yaml`: the rights that the chart grants, from what the modules declare. */
export async function chartRoles(): Promise<string> {
  const module = { module: Sources, providers: [{ provide: Settings, useValue: settings }, ...MANIFESTS] };
  const context = await NestFactory.createApplicationContext(module, { logger: false });
  const sources = MANIFESTS.map((source): ManifestSource => context.get(source));
  await context.close();
  const { cluster, optional, secrets } = clusterRoles(sources, POD_RIGHTS);
  return [
    '# Made by `npm run chart:roles` from what the modules declare: not to be edited.',
    'cluster:',
    ...rules(cluster, '  '),
    'optional:',
    ...Object.entries(optional).flatMap(([group, of]) => [`  ${group}:`, ...rules(of, '    ')]),
    'secrets:',
    ...rules(secrets, '  '),
    '',
  ].join('\n');
}

function rules(of: readonly PolicyRule[], indent: string): string[] {
  return of.flatMap(({ apiGroups, resources, verbs }) => [
    `${indent}- apiGroups: [${apiGroups.map((group) => group || "''").join(', ')}]`,
    `${indent}  resources: [${resources.join(', ')}]`,
    `${indent}  verbs: [${verbs.join(', ')}]`,
  ]);
}
