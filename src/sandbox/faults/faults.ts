import type { ApiServer } from '../api-server.ts';
import type { Controllers } from '../controllers/controllers.ts';
import type { WatchHistory } from '../watch.ts';
import type { CallFaults } from './call-faults.ts';
import type { BegunFault, CallFault, Fault } from './fault.ts';

/** What can be broken. */
interface Breakable {
  api: ApiServer;
  history: WatchHistory;
  calls: CallFaults;
  controllers: Pick<Controllers, 'nodes' | 'logs'>;
}

type Undo = () => void | Promise<void>;

interface Standing {
  begun: BegunFault;
  undo: Undo;
  timer?: NodeJS.Timeout;
}

/** The faults that the sandbox was asked for: it has none by itself. */
export class Faults {
  private readonly standing = new Map<number, Standing>();
  private last = 0;

  constructor(private readonly parts: Breakable) {}

  /** Those that stand. */
  list(): BegunFault[] {
    return [...this.standing.values()].map(({ begun }) => begun);
  }

  /** From now on, until its time is up or it is lifted; one that happens once is over with this. Throws ApiError 404 and 400 for what isn't there. */
  async begin(asked: Fault): Promise<BegunFault> {
    const begun: BegunFault = { id: ++this.last, asked, struck: 0 };
    const undo = await this.bring(begun);
    if (!undo) return begun;
    const standing: Standing = { begun, undo };
    if ('seconds' in asked && asked.seconds !== undefined) {
      standing.timer = setTimeout(() => {
        this.lift(begun.id).catch((error: unknown) => {
          process.emitWarning(error instanceof Error ? error : String(error));
        });
      }, asked.seconds * 1000);
    }
    this.standing.set(begun.id, standing);
    return begun;
  }

  /** False if no such fault stands. */
  async lift(id: number): Promise<boolean> {
    const standing = this.standing.get(id);
    if (!standing) return false;
    this.standing.delete(id);
    clearTimeout(standing.timer);
    await standing.undo();
    return true;
  }

  async liftAll(): Promise<void> {
    for (const id of [...this.standing.keys()]) await this.lift(id);
  }

  /** With the sandbox: nothing is undone any more. */
  stop(): void {
    for (const { timer } of this.standing.values()) clearTimeout(timer);
    this.standing.clear();
  }

  /** What lifts it; nothing for what happens once. */
  private async bring(begun: BegunFault): Promise<Undo | undefined> {
    const { asked } = begun;
    const { api, history, calls, controllers } = this.parts;
    switch (asked.fault) {
      case 'refuse':
        return api.refuse();
      case 'stop-kubelet':
        controllers.nodes.stopKubelet(asked.node);
        return () => {
          controllers.nodes.startKubelet(asked.node);
        };
      case 'close-watches':
        begun.struck = api.closeWatches(asked.resources);
        return undefined;
      case 'compact':
        history.compact();
        return undefined;
      case 'rotate-log':
        controllers.logs.rotate(asked.namespace, asked.pod, asked.container);
        return undefined;
      default:
        calls.add(begun as BegunFault & { asked: CallFault });
        return () => {
          calls.remove(begun.id);
        };
    }
  }
}
