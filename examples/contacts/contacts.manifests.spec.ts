import { readFileSync } from 'node:fs';
import { clusterRoles } from '../../src/deploy/cluster-roles.ts';
import { appSnapshot, expectKnown } from '../../test/app-snapshot.ts';
import { manifestsIn } from '../../test/manifest-check.ts';
import type { Contact } from './contact.entity.ts';
import { contacts } from './contacts.extension.ts';
import { ContactsManifests } from './contacts.manifests.ts';

const contact = (role: string, email: string | null, phone: string | null): Contact => ({ role, email, phone }) as Contact;

it('all contacts of an app are in one ConfigMap, each way to reach them under a key of its own', () => {
  const all = [contact('on-call', 'on-call@example.com', '+49 30 901820'), contact('security', null, '110')];
  const found = new ContactsManifests().manifests(appSnapshot(), all);
  expect(found).toEqual([
    {
      phase: 'after',
      manifest: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: 'demo-contacts',
          namespace: 'demo',
          labels: {
            app: 'demo',
            heritage: 'drycc',
            'app.kubernetes.io/name': 'demo',
            'app.kubernetes.io/managed-by': 'keelson',
            'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
          },
        },
        data: { 'on-call.email': 'on-call@example.com', 'on-call.phone': '+49 30 901820', 'security.phone': '110' },
      },
    },
  ]);
  for (const { manifest } of found) expectKnown(manifest);
});

it('an app without contacts has none', () => {
  expect(new ContactsManifests().manifests(appSnapshot(), [])).toEqual([]);
});

it('rights.yaml gives what follows from its kinds, and nothing else', () => {
  const [role, binding] = manifestsIn(readFileSync('examples/contacts/rights.yaml', 'utf8'));
  expect(role?.rules).toEqual(clusterRoles([new ContactsManifests()], [], contacts.kinds).cluster);
  expect(binding?.roleRef).toMatchObject({ kind: 'ClusterRole', name: role?.metadata.name });
});
