import { Injectable } from '@nestjs/common';
import { ManifestSource, type Contribution } from '../deploy/manifest-source.ts';
import type { AppSnapshot } from '../deploy/snapshot.ts';
import { appLabels } from '../kubernetes/labels.ts';
import { certSecretName } from '../kubernetes/names.ts';
import { SECRET } from '../kubernetes/object-kind.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The certificates on the app's domains, each once however many it is on. The Ingress names these Secrets, so they come before it. */
@Injectable()
export class TlsSecretManifests extends ManifestSource {
  readonly kinds = [SECRET];

  manifests(app: AppSnapshot): Contribution[] {
    return app.certificates.map(({ name, certificate, key }) => ({
      phase: 'after',
      order: -1,
      manifest: {
        apiVersion: SECRET.apiVersion,
        kind: SECRET.kind,
        metadata: { name: certSecretName(name), namespace: app.id, labels: appLabels(app) },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': base64(certificate), 'tls.key': base64(key) },
      },
    }));
  }
}
