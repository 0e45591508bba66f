import { z } from 'zod';

/** For how long, in seconds; without it the fault stays until it is lifted. */
const lasting = { seconds: z.number().positive().optional() };

/** Which calls a fault is for: all that nothing here rules out. */
const calls = {
  verbs: z.array(z.enum(['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])).optional(),
  /** Plurals, and subresources as `pods/log`. */
  resources: z.array(z.string().min(1)).optional(),
  namespaces: z.array(z.string().min(1)).optional(),
};

/** How many of them it strikes. */
const some = {
  /** No more than so many. */
  count: z.int().positive().optional(),
  /** Of the calls that fit, evenly: 0.5 is every second one, the second first. */
  share: z.number().positive().max(1).optional(),
};

const node = z.string().min(1).default('sandbox-node-1');

/** What can be asked of the fault API: each member is one fault, told by its name. */
export const faultSchema = z.discriminatedUnion('fault', [
  /** Nobody listens: connections are cut, new ones refused. */
  z.strictObject({ fault: z.literal('refuse'), ...lasting }),
  /** Calls are taken and wait, open watches and logs fall silent; when it is lifted, all of them go on. */
  z.strictObject({ fault: z.literal('hang'), ...lasting, ...calls }),
  /** Answered with this HTTP status and nothing else done. */
  z.strictObject({
    fault: z.literal('answer'),
    code: z.int().min(400).max(599),
    /** Seconds, for the header Retry-After. */
    retryAfter: z.int().nonnegative().optional(),
    message: z.string().optional(),
    ...lasting,
    ...calls,
    ...some,
  }),
  z.strictObject({ fault: z.literal('slow'), milliseconds: z.int().positive(), ...lasting, ...calls, ...some }),
  /** The connection is cut without an answer, before anything is done or, with `executed`, after it. */
  z.strictObject({ fault: z.literal('cut'), executed: z.boolean().default(false), ...lasting, ...calls, ...some }),
  /** Once: open watches are ended, as the API server ends them from time to time. */
  z.strictObject({ fault: z.literal('close-watches'), resources: z.array(z.string().min(1)).optional() }),
  /** Once: the past is forgotten, so a watch from before is answered 410. */
  z.strictObject({ fault: z.literal('compact') }),
  /** A node falls silent: its processes go on, and nothing is told of them or done to them. */
  z.strictObject({ fault: z.literal('stop-kubelet'), node, ...lasting }),
  /** Once: what a container has printed so far is rotated away, and whoever follows its log is cut off. */
  z.strictObject({
    fault: z.literal('rotate-log'),
    namespace: z.string().min(1),
    pod: z.string().min(1),
    container: z.string().min(1).optional(),
  }),
]);

export type FaultRequest = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
export type CallFault = Extract<Fault, { fault: 'hang' | 'answer' | 'slow' | 'cut' }>;

/** A fault that was asked for. */
export interface BegunFault {
  id: number;
  asked: Fault;
  /** How often it has struck: calls, ended watches. */
  struck: number;
}
