import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ManifestSource, type Contribution } from '../../src/deploy/manifest-source.ts';
import type { AppSnapshot } from '../../src/deploy/snapshot.ts';
import { appLabels } from '../../src/kubernetes/labels.ts';
import type { ObjectKind } from '../../src/kubernetes/object-kind.ts';
import { Contact } from './contact.entity.ts';

export const CONFIG_MAP: ObjectKind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

/** A ConfigMap `<app>-contacts` beside the app's pods, for whatever in the cluster has to tell somebody; none without contacts. */
@Injectable()
export class ContactsManifests extends ManifestSource<Contact[]> {
  readonly kinds = [CONFIG_MAP];

  override facts(manager: EntityManager, appUuid: string): Promise<Contact[]> {
    return manager.find(Contact, { where: { appUuid }, order: { role: 'ASC' } });
  }

  manifests(app: AppSnapshot, contacts: Contact[]): Contribution[] {
    if (contacts.length === 0) return [];
    const data = contacts.flatMap(({ role, email, phone }) => [
      ...(email === null ? [] : [[`${role}.email`, email]]),
      ...(phone === null ? [] : [[`${role}.phone`, phone]]),
    ]);
    return [
      {
        phase: 'after',
        manifest: {
          apiVersion: CONFIG_MAP.apiVersion,
          kind: CONFIG_MAP.kind,
          metadata: { name: `${app.id}-contacts`, namespace: app.id, labels: appLabels(app) },
          data: Object.fromEntries(data) as Record<string, string>,
        },
      },
    ];
  }
}
