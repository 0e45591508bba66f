import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { App } from '../apps/app.entity.ts';
import { Unavailable } from '../http/errors.ts';
import type { CachedPod } from '../kubernetes/cached-objects.ts';
import { Cluster } from '../kubernetes/cluster.ts';
import { ObjectNotFound, OutOfReach, Refused } from '../kubernetes/cluster-errors.ts';
import { PodReader } from '../pods/pod-reader.ts';
import { AppLog } from './app-log.ts';
import type { AppLogLine } from './app-log-line.entity.ts';
import { type LogLine, newest, ownLines, podLines, ROOM } from './log-lines.ts';
import { containerOf, type LogStart } from './pod-follower.ts';

/** Pods whose logs are read at a time. */
const AT_ONCE = 5;

const CUT = `earlier lines are left out here: an answer has ${String(ROOM / 1024 / 1024)} MiB of lines at most`;

/** The last lines of an app's log, and where each of the logs that they come from goes on. */
export interface LogEnd {
  /** Oldest first. */
  lines: LogLine[];
  /** What Keelson said, by rising id. */
  own: AppLogLine[];
  /** By the pod's uid. */
  pods: Map<string, LogStart>;
}

/** Reads the last lines of apps' logs: from the database what Keelson said, from the cluster what the pods printed. */
@Injectable()
export class LogReader {
  constructor(
    private readonly dataSource: DataSource,
    private readonly appLog: AppLog,
    private readonly pods: PodReader,
    private readonly cluster: Cluster,
  ) {}

  /** @param count how many lines at most */
  async end(app: App, count: number): Promise<LogEnd> {
    const own = await this.appLog.newest(this.dataSource.manager, app.uuid, count);
    const starts = new Map<string, LogStart>();
    let cut = false;
    let lines: LogLine[] = [];
    // no more than is wanted is kept, however many pods there are
    const keep = (...logs: LogLine[][]): void => {
      const kept = newest([lines, ...logs], count);
      lines = kept.lines;
      cut ||= kept.cut;
    };
    keep(own.flatMap(({ at, line }) => ownLines(at, line)));
    let pods: CachedPod[];
    try {
      pods = await this.pods.read(app);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      keep(ownLines(new Date(), `the logs of the pods are out of reach: ${error.message}`));
      return { lines: begun(lines, cut), own, pods: starts };
    }
    for (let start = 0; start < pods.length; start += AT_ONCE) {
      const logs = await Promise.all(
        pods.slice(start, start + AT_ONCE).map(async (pod) => {
          const read = await this.ofPod(app, pod, count);
          starts.set(pod.uid, read.start);
          cut ||= read.cut ?? false;
          return read.lines;
        }),
      );
      keep(...logs);
    }
    return { lines: begun(lines, cut), own, pods: starts };
  }

  private async ofPod(app: App, pod: CachedPod, count: number): Promise<{ lines: LogLine[]; start: LogStart; cut?: boolean }> {
    const query = { container: containerOf(app.id, pod), tailLines: count, timestamps: true };
    try {
      const { lines, position, cut } = await podLines(app.id, pod, this.cluster.readLog(app.id, pod.name, query), count);
      return { lines, start: { position }, cut };
    } catch (error) {
      // a pod that hasn't started has no log, one that is gone by now neither
      if (error instanceof Refused || error instanceof ObjectNotFound) return { lines: [], start: {} };
      if (!(error instanceof OutOfReach)) throw error;
      const lines = ownLines(new Date(), `the log of ${pod.name} is out of reach: ${error.message}`);
      return { lines, start: { tailLines: count } };
    }
  }
}

/** The lines, after one that says so if some are missing before them. */
function begun(lines: LogLine[], cut: boolean): LogLine[] {
  return cut ? [...ownLines(new Date(lines[0]?.at ?? Date.now()), CUT), ...lines] : lines;
}
