import { Injectable } from '@nestjs/common';

/**
 * The steps between which an operation may be cut off, in the order in which a deploy passes them; a destroy has some of its own.
 * `committed` and `answering` are the request's, all others the worker's. Those that name an object come once for each.
 */
export const FAULT_POINTS = [
  /** The change is in the database, and nobody works on it yet. */
  'committed',
  /** The operation has an owner. */
  'claimed',
  /** What is wanted was read, and the release marked. */
  'begun',
  /** The lease was looked at, and an object is about to be sent. */
  'sending',
  /** An object was sent and taken. */
  'applied',
  /** The pods are waited for. */
  'waiting',
  /** They came up, and nothing leads to them yet. */
  'came-up',
  /** An object that is not wanted any more is about to be deleted. */
  'removing',
  /** The cluster shows all that is wanted, and only the database doesn't know. */
  'shown',
  /** What failed is about to be recorded. */
  'failing',
  /** A failure is recorded, and the way back begins. */
  'failed',
  /** The pods of an app that is destroyed have ended. */
  'pods-ended',
  /** Its namespace is gone, and its rows are not. */
  'namespace-gone',
  /** The end of the operation is in the database. */
  'recorded',
  /** Who waited knows the outcome, and the answer isn't sent. */
  'answering',
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

/** Where tests hold, pause or kill a process in the middle of an operation. Nothing happens at these points otherwise. */
@Injectable()
export class FaultPoints {
  /** @param app its id; @param object `Kind/name` of what is sent or taken away */
  async reach(_point: FaultPoint, _app: string, _object?: string): Promise<void> {}
}
