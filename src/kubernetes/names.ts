import { createHash } from 'node:crypto';

/** Limit of DNS labels: names of what becomes part of host names, and values of labels. */
const MAX_LENGTH = 63;
/** Limit of most other names, among them those of Secrets. */
const MAX_SUBDOMAIN_LENGTH = 253;
const HASH_LENGTH = 8;

/** A name as it is, or its beginning with a hash of the whole, so that two long names stay two. Takes and gives DNS-1123 labels. */
function bounded(name: string, length = MAX_LENGTH): string {
  if (name.length <= length) return name;
  return `${name.slice(0, length - HASH_LENGTH - 1).replace(/-+$/, '')}-${hashOf(name)}`;
}

const hashOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);

/** The Deployment of a process type, and the container of its pods. A one-off run's container is that of the type `run`. */
export const deploymentName = (app: string, type: string): string => bounded(`${app}-${type}`);

/**
 * The pod of a one-off run.
 * @param random what tells it from others: small letters and digits, five by custom
 */
export const runPodName = (app: string, random: string): string => `${bounded(`${app}-run`, MAX_LENGTH - random.length - 1)}-${random}`;

/** The value of the label `type`: a process type itself, unless it is longer than a label can be. */
export const typeLabel = (type: string): string => bounded(type);

/** The value of the label `version`. */
export const versionLabel = (version: number): string => `v${version}`;

/** The Secret of a release's environment. Secrets take 253 characters: nothing is cut. */
export const envSecretName = (app: string, version: number): string => `${app}-${versionLabel(version)}-env`;

/** The number of the release that a Secret of that name is the environment of; null for another Secret. */
export function releaseOfEnvSecret(app: string, name: string): number | null {
  const version = Number(/-v(\d+)-env$/.exec(name)?.[1]);
  return name === envSecretName(app, version) ? version : null;
}

/** The ResourceQuota of an app; 253 characters too. */
export const quotaName = (app: string): string => `${app}-quota`;

/** The Secret of a certificate, in the namespace of each app that has it. A certificate's name may begin with a hyphen, a Secret's may not. */
export function certSecretName(certificate: string): string {
  const name = certificate.startsWith('-') ? `${hashOf(certificate)}${certificate}` : certificate;
  return `${bounded(name, MAX_SUBDOMAIN_LENGTH - '-cert'.length)}-cert`;
}

/** The Secret that cert-manager keeps an app's certificate in. */
export const autoTlsSecretName = (app: string): string => `${app}-auto-tls`;

/** The Service that leads nowhere, for an app under maintenance. No type begins with a hyphen: it is none of theirs. */
export const maintenanceServiceName = (app: string): string => bounded(`${app}--maintenance`);
