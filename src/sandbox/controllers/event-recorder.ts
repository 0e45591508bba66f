import { randomBytes } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import type { Store } from '../store.ts';
import { timestamp, type StoredObject } from '../stored-object.ts';
import type { Event, New } from './objects.ts';

/** How long Kubernetes keeps an event, in milliseconds. */
const keptFor = 3_600_000;

export interface Said {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** The container that it is about: `spec.containers{web}`. */
  fieldPath?: string;
}

/** Which part of the cluster says it. The scheduler writes the newer form of events, with an action; the others the older, with a source. */
export type Source = { component: string; host?: string } | { reportingComponent: string; action: string };

type Subject = Pick<StoredObject, 'apiVersion' | 'kind' | 'metadata'>;

interface Recorded {
  namespace: string;
  name: string;
  last: number;
}

/** Writes events as Kubernetes' recorders do: the same thing said again counts up the event that is there. */
export class EventRecorder {
  /** By what is said of whom, the longest unheard first. */
  private readonly recorded = new Map<string, Recorded>();

  constructor(private readonly store: Store) {}

  /** An event is a courtesy: that its namespace is going away, or is full, is nobody's failure. */
  record(source: Source, subject: Subject, said: Said): void {
    this.forgetOld();
    const same = JSON.stringify([subject.metadata.uid, source, said]);
    const known = this.recorded.get(same);
    this.recorded.delete(same);
    try {
      const earlier = known && this.store.get<Event>('events', known.namespace, known.name);
      const event = earlier
        ? this.store.update<Event>('events', again(earlier))
        : (this.store.create('events', eventOf(source, subject, said)) as Event);
      this.recorded.set(same, { namespace: event.metadata.namespace ?? '', name: event.metadata.name, last: Date.now() });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  private forgetOld(): void {
    for (const [same, { namespace, name, last }] of this.recorded) {
      if (last > Date.now() - keptFor) return;
      this.recorded.delete(same);
      this.store.remove('events', namespace, name);
    }
  }
}

const microTime = (): string => new Date().toISOString().replace('Z', '000Z');

function eventOf(source: Source, { apiVersion, kind, metadata }: Subject, { type, reason, message, fieldPath }: Said): New<Event> {
  const { name, uid, resourceVersion } = metadata;
  const namespace = metadata.namespace ?? 'default';
  const now = timestamp();
  // The schema's types know no null, which the API sends for a time that isn't set.
  const told: object =
    'component' in source
      ? { source, count: 1, firstTimestamp: now, lastTimestamp: now, eventTime: null, reportingComponent: '', reportingInstance: '' }
      : {
          source: {},
          firstTimestamp: null,
          lastTimestamp: null,
          eventTime: microTime(),
          ...source,
          reportingInstance: `${source.reportingComponent}-sandbox`,
        };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
    involvedObject: { apiVersion, kind, name, namespace: metadata.namespace, uid, resourceVersion, fieldPath },
    type,
    reason,
    message,
    ...told,
  };
}

const again = (event: Event): Event =>
  event.count === undefined
    ? { ...event, series: { count: (event.series?.count ?? 0) + 1, lastObservedTime: microTime() } }
    : { ...event, count: event.count + 1, lastTimestamp: timestamp() };
