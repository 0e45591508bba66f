import { isDeepStrictEqual } from 'node:util';
import { usage, type StoredQuota } from './quota.ts';
import type { Change, Store } from './store.ts';

/** Keeps the status of each quota: what its namespace uses. */
export class QuotaController {
  private readonly stopListening: () => void;

  constructor(private readonly store: Store) {
    this.stopListening = store.onChange((change) => this.heard(change));
  }

  stop(): void {
    this.stopListening();
  }

  private heard({ resource, object, previous }: Change): void {
    const { namespace } = object.metadata;
    if (!namespace) return;
    const isStatusOnly = previous !== undefined && resource !== 'pods' && resource !== 'resourcequotas';
    if (isStatusOnly && isDeepStrictEqual(previous.spec, object.spec)) return;
    for (const quota of this.store.list<StoredQuota>('resourcequotas', namespace)) {
      const status = { hard: quota.spec?.hard, used: usage(this.store, quota) };
      if (!isDeepStrictEqual(quota.status, status)) this.store.update('resourcequotas', { ...quota, status }, { subresource: 'status' });
    }
  }
}
