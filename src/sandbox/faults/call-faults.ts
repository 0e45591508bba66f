import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { flag, parsePath, verbOf } from '../api-request.ts';
import type { BegunFault, CallFault, Fault } from './fault.ts';

/** A call as faults choose by it; one that isn't about a resource (discovery, health) has nothing of this. */
export interface Call {
  verb?: string;
  /** `pods`, `pods/log`. */
  resource?: string;
  /** Also the name of a namespace that is asked for. */
  namespace?: string;
}

export function callOf({ method, url = '/' }: Pick<IncomingMessage, 'method' | 'url'>): Call {
  try {
    const { pathname, searchParams } = new URL(url, 'http://sandbox');
    const path = parsePath(pathname);
    const { resource, subresource, namespace, name } = path;
    return {
      verb: method === 'GET' && flag(searchParams, 'watch') ? 'watch' : verbOf(method, path),
      resource: subresource ? `${resource.plural}/${subresource.name}` : resource.plural,
      namespace: resource.plural === 'namespaces' ? name : namespace,
    };
  } catch {
    return {};
  }
}

type Begun = BegunFault & { asked: CallFault };
type Ending = Extract<Fault, { fault: 'answer' | 'cut' }>;

interface Standing {
  begun: Begun;
  /** Calls that it was for. */
  seen: number;
  lifted: Promise<void>;
  lift: () => void;
}

/** Faults of single calls: which of them a call meets, and what they do to it. */
export class CallFaults {
  private readonly standing = new Map<number, Standing>();

  add(begun: Begun): void {
    let lift = (): void => undefined;
    const lifted = new Promise<void>((resolve) => (lift = resolve));
    this.standing.set(begun.id, { begun, seen: 0, lifted, lift });
  }

  remove(id: number): void {
    this.standing.get(id)?.lift();
    this.standing.delete(id);
  }

  /** Settled when nothing holds the call up any more, with what it is to end by, if anything. */
  async meet(call: Call): Promise<Ending | undefined> {
    await this.held(call, true);
    let ending: Ending | undefined;
    for (const each of [...this.standing.values()]) {
      const fault = each.begun.asked;
      if (fault.fault === 'hang' || !strikes(each, call)) continue;
      if (fault.fault === 'slow') await pause(fault.milliseconds);
      else ending ??= fault;
    }
    return ending;
  }

  /** Settled as soon as no hang holds the call; undefined if none does. */
  held(call: Call, counted = false): Promise<void> | undefined {
    const hang = [...this.standing.values()].find(({ begun: { asked } }) => asked.fault === 'hang' && isFor(asked, call));
    if (hang && counted) hang.begun.struck += 1;
    return hang?.lifted.then(() => this.held(call));
  }
}

function isFor({ verbs, resources, namespaces }: CallFault, call: Call): boolean {
  const has = (wanted: readonly string[] | undefined, value: string | undefined): boolean =>
    wanted === undefined || (value !== undefined && wanted.includes(value));
  return has(verbs, call.verb) && has(resources, call.resource) && has(namespaces, call.namespace);
}

function strikes(standing: Standing, call: Call): boolean {
  const { begun } = standing;
  const { asked: fault } = begun;
  if (fault.fault === 'hang' || !isFor(fault, call)) return false;
  const { count = Infinity, share = 1 } = fault;
  standing.seen += 1;
  if (begun.struck >= count || due(standing.seen, share) === due(standing.seen - 1, share)) return false;
  begun.struck += 1;
  return true;
}

/** How many of so many calls a share is: spread evenly. The small number takes away what 0.1 lacks as a binary fraction. */
const due = (calls: number, share: number): number => Math.floor(calls * share + 1e-9);
