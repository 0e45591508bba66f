import { WebSocket } from 'ws';
import { freePort } from '../keelson-process.ts';
import { appId, READ_APP } from './data-set.ts';
import { load } from './load.ts';
import type { Stage } from './stage.ts';

/** Functions that are listed of each profile. */
const LISTED = 25;

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}
interface Profile {
  nodes: ProfileNode[];
  samples: number[];
}

/** The inspector of a process: `--inspect`. */
class Inspector {
  private numbers = 0;
  private readonly answers = new Map<number, (result: unknown) => void>();

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown };
      if (id !== undefined) this.answers.get(id)?.(result);
    });
  }

  static async of(port: number): Promise<Inspector> {
    const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Inspector(socket);
  }

  ask<T>(method: string): Promise<T> {
    const id = ++this.numbers;
    this.socket.send(JSON.stringify({ id, method }));
    return new Promise((resolve) => this.answers.set(id, resolve as (result: unknown) => void));
  }

  close(): void {
    this.socket.close();
  }
}

/** Where the processor's time goes on the five hottest paths, as text: own time by function, and by package. */
export async function profilePaths(stage: Stage, seconds: number): Promise<string> {
  const port = await freePort();
  await stage.startKeelson({ NODE_ARGUMENTS: `--inspect=127.0.0.1:${port}` });
  const inspector = await Inspector.of(port);
  await inspector.ask('Profiler.enable');
  const headers = { Authorization: `token ${stage.keelson.token}` };
  let changes = 0;
  const change = (): { path: string; body: string } => ({
    path: `/v2/apps/${appId(1 + (++changes % 99))}/config`,
    body: JSON.stringify({ values: { PROFILED: String(changes) } }),
  });
  const app = `/v2/apps/${READ_APP}`;
  const texts: string[] = [];
  for (const path of ['/v2/apps', app, `${app}/releases`, `${app}/config`, 'POST config']) {
    const requests =
      path === 'POST config'
        ? { url: stage.keelson.base, method: 'POST' as const, headers, body: change, status: 201 }
        : { url: stage.keelson.base + path, headers };
    await load(requests, 2);
    await inspector.ask('Profiler.start');
    const { rate } = await load(requests, seconds);
    const { profile } = await inspector.ask<{ profile: Profile }>('Profiler.stop');
    texts.push(`## ${path}: ${Math.round(rate)}/s under the profiler\n\n${summary(profile)}`);
  }
  inspector.close();
  return texts.join('\n');
}

const fileOf = ({ url }: ProfileNode['callFrame']): string => url.replace(/^.*\/node_modules\//, '').replace(/^.*\/dist\//, 'keelson/');
const nameOf = (frame: ProfileNode['callFrame']): string =>
  `${frame.functionName || '(anonymous)'} ${fileOf(frame)}:${frame.lineNumber + 1}`;

function summary({ nodes, samples }: Profile): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const own = new Map<string, number>();
  const whole = new Map<string, number>();
  const packages = new Map<string, number>();
  const add = (counts: Map<string, number>, name: string): unknown => counts.set(name, (counts.get(name) ?? 0) + 1);
  let busy = 0;
  for (const sample of samples) {
    const frame = byId.get(sample)?.callFrame;
    if (!frame || frame.functionName === '(idle)' || frame.functionName === '(program)') continue;
    busy += 1;
    add(own, nameOf(frame));
    const file = fileOf(frame);
    add(packages, file === '' ? frame.functionName : (/^(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? file));
    const names = new Set<string>();
    for (let at: number | undefined = sample; at !== undefined; at = parents.get(at)) {
      const above = byId.get(at)?.callFrame;
      if (above) names.add(nameOf(above));
    }
    for (const name of names) add(whole, name);
  }
  const top = (counts: Map<string, number>, most: number): string[] =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([name, count]) => `${((count / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
  return [
    'By package:',
    ...top(packages, 15),
    '',
    'By function:',
    ...top(own, LISTED),
    '',
    'By function, with all that it calls:',
    ...top(whole, 2 * LISTED),
    '',
  ].join('\n');
}
