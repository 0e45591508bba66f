import type { Extension } from '../../src/extension.ts';
import { Contact } from './contact.entity.ts';
import { CONFIG_MAP, ContactsManifests } from './contacts.manifests.ts';
import { ContactsModule } from './contacts.module.ts';
import { OpsContacts1800000000000 } from './migrations/1800000000000-ops-contacts.ts';

/** Whom to call about an app, at `/v2/apps/<app>/contacts` and in the app's namespace. */
export const contacts: Extension = {
  modules: [ContactsModule],
  entities: [Contact],
  migrations: [OpsContacts1800000000000],
  manifests: [ContactsManifests],
  kinds: [CONFIG_MAP],
};
