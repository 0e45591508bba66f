import { Inject, Injectable } from '@nestjs/common';
import { imageToRun, type ImageOptions } from '../builds/flavour.ts';
import { imageRegistryHost } from '../builds/image-reference.ts';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import type { KubernetesObject } from '../kubernetes/kubernetes-object.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { envSecretName, versionLabel } from '../kubernetes/names.ts';
import { SECRET } from '../kubernetes/object-kind.ts';
import { Settings } from '../settings/settings.ts';
import { environment, type EnvironmentOptions } from './environment.ts';

export type SecretOptions = EnvironmentOptions & ImageOptions & Pick<Settings, 'registrySecretPrefix'>;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The environment of a release. Immutable: another config is another release. */
export function envSecret(app: AppSnapshot, options: EnvironmentOptions): KubernetesObject {
  const version = versionLabel(app.release.version);
  return {
    apiVersion: SECRET.apiVersion,
    kind: SECRET.kind,
    metadata: {
      name: envSecretName(app.id, app.release.version),
      namespace: app.id,
      labels: { ...appLabels(app), type: 'env', version, 'app.kubernetes.io/version': version },
    },
    type: 'Opaque',
    immutable: true,
    data: Object.fromEntries(Object.entries(environment(app, options)).map(([name, value]) => [name, base64(value)])),
  };
}

/** The credentials that the app's images are pulled with; null: none are needed. */
export function pullSecret(app: AppSnapshot, options: Omit<SecretOptions, keyof EnvironmentOptions>): KubernetesObject | null {
  const { build, config } = app.release;
  const { username, password, hostname } = config.registry;
  if (!build || username === undefined || password === undefined) return null;
  const image = imageToRun(app.id, build, options);
  const host = hostname || imageRegistryHost(image);
  if (!host) return null;
  const auths = { [host]: { username, password, auth: base64(`${username}:${password}`) } };
  return {
    apiVersion: SECRET.apiVersion,
    kind: SECRET.kind,
    metadata: { name: options.registrySecretPrefix, namespace: app.id, labels: appLabels(app) },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
  };
}

/** The secrets that the pods of a release need. */
@Injectable()
export class SecretManifests extends ManifestSource {
  readonly kinds = [SECRET];

  constructor(@Inject(Settings) private readonly options: SecretOptions) {
    super();
  }

  manifests(app: AppSnapshot): Contribution[] {
    if (!app.release.build) return [];
    const secrets = [envSecret(app, this.options), pullSecret(app, this.options)];
    return secrets.filter((secret) => secret !== null).map((manifest) => ({ phase: 'before', manifest }));
  }
}
