import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WEB_2_IMAGE, WEB_IMAGE } from '../images.ts';
import { newAppId } from '../live-app.ts';
import { median, spread } from './load.ts';
import { number, percent, type Section } from './outcome.ts';
import type { Stage } from './stage.ts';

/** Keelson may take so many times as long as kubectl. */
const TIMES = 1.1;
/** Requests that it may send. What a deploy changes are the new release's Secret and the Deployment. */
const REQUESTS: Readonly<Record<string, number>> = { 'second deploy': 2 + 2, 'scale up': 3, delete: 3, 'nothing, for ten seconds': 0 };
const IDLE = 10_000;
/** What an app has in its namespace. */
const KINDS = 'resourcequota,limitrange,secret,networkpolicy,deployment,service,ingress';
/** From one pod, which a deploy makes. */
const SCALE = 3;

interface LiveObject {
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: { template?: { spec: { containers: { image: string }[] } } };
}

/**
 * Deploys, scales and deletes an app on a real cluster, and the same objects by kubectl in a namespace beside it, in turn.
 * @param stage whose Keelson is on that cluster; @param kubeconfig of it
 */
export async function measureCluster(stage: Stage, kubeconfig: string, rounds: number): Promise<Section[]> {
  const kubectl = (args: string[], input?: string): Promise<string> =>
    run(process.env.KUBECTL ?? 'kubectl', ['--kubeconfig', kubeconfig, ...args], input);
  const times: Record<string, { keelson: number[]; kubectl: number[] }> = {};
  const sentBy: Record<string, number[]> = {};
  const note = async (work: string, who: 'keelson' | 'kubectl', what: () => Promise<unknown>): Promise<void> => {
    const before = await requests(stage);
    const began = performance.now();
    await what();
    const of = (times[work] ??= { keelson: [], kubectl: [] });
    of[who].push(performance.now() - began);
    if (who === 'keelson') (sentBy[work] ??= []).push((await requests(stage)) - before);
  };
  for (let round = 0; round < rounds; round++) {
    const app = newAppId('bench');
    const path = `/v2/apps/${app}`;
    const beside = `${app}-kubectl`;
    const sent = async (method: string, url: string, body?: unknown): Promise<void> => {
      const response = await stage.call(method, url, body);
      if (!response.ok) throw new Error(`${method} ${url} was answered ${response.status}: ${await response.text()}`);
    };
    await sent('POST', '/v2/apps', { id: app });
    await sent('POST', `${path}/builds`, { image: WEB_IMAGE, procfile: { web: 'exec httpd -f -p "$PORT" -h /www' } });
    await kubectl(['create', 'namespace', beside]);
    const { items } = JSON.parse(
      await kubectl(['get', KINDS, '--namespace', app, '--selector', 'app.kubernetes.io/managed-by=keelson', '--output', 'json']),
    ) as {
      items: LiveObject[];
    };
    const apply = async (image: string): Promise<void> => {
      const objects = items.map((item) => copied(item, image));
      await kubectl(
        ['apply', '--namespace', beside, '--filename', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      );
      await rollOut();
    };
    const deployment = `deployment/${app}-web`;
    const rollOut = (): Promise<string> => kubectl(['rollout', 'status', deployment, '--namespace', beside]);
    const scaled = async (replicas: number): Promise<void> => {
      await kubectl(['scale', deployment, '--namespace', beside, '--replicas', String(replicas)]);
      await rollOut();
    };
    await apply(WEB_IMAGE);
    await note('second deploy', 'keelson', () =>
      sent('POST', `${path}/builds`, { image: WEB_2_IMAGE, procfile: { web: 'exec httpd -f -p "$PORT" -h /www' } }),
    );
    await note('second deploy', 'kubectl', () => apply(WEB_2_IMAGE));
    await note('scale up', 'keelson', () => sent('POST', `${path}/scale`, { web: SCALE }));
    await note('scale up', 'kubectl', () => scaled(SCALE));
    await note('delete', 'keelson', () => sent('DELETE', path));
    await note('delete', 'kubectl', () => kubectl(['delete', 'namespace', beside]));
    const before = await requests(stage);
    await sleep(IDLE);
    (sentBy['nothing, for ten seconds'] ??= []).push((await requests(stage)) - before);
  }
  const outcomes = Object.entries(times).map(([work, { keelson, kubectl }]) => {
    const ratio = median(keelson) / median(kubectl);
    const of = (each: number[]): string => `${number(median(each) / 1000, 2)} s ± ${percent(spread(each))}`;
    return { work, cells: [of(keelson), of(kubectl), number(ratio, 2)], goal: `≤ ${TIMES} × kubectl's`, reached: ratio <= TIMES };
  });
  const counts = Object.entries(sentBy).map(([work, sent]) => {
    const most = REQUESTS[work] ?? 0;
    return { work, cells: [number(median(sent))], goal: most === 0 ? '0' : `≤ ${most}`, reached: median(sent) <= most };
  });
  return [
    { title: 'A real cluster', columns: ['Keelson', 'kubectl', 'ratio'], outcomes },
    { title: 'Requests to the cluster, beyond the watches', columns: ['sent'], outcomes: counts },
  ];
}

/** How many requests Keelson has sent to the cluster, as its metrics tell, without its watches: each is taken up again after 30 s of silence. */
async function requests(stage: Stage): Promise<number> {
  const text = await (await fetch(`${stage.keelson.base}/metrics`)).text();
  const counts = [...text.matchAll(/^keelson_cluster_call_duration_seconds_count\{(?!.*verb="watch").*\} (\d+)$/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** What kubectl applies in place of Keelson. */
function copied(item: LiveObject, image: string): LiveObject {
  const { name, labels } = item.metadata;
  const copy = { ...structuredClone(item), metadata: { name, labels }, status: undefined };
  for (const container of copy.spec?.template?.spec.containers ?? []) container.image = image;
  // the cluster gives one of its own
  if (copy.kind === 'Service' && copy.spec) Object.assign(copy.spec, { clusterIP: undefined, clusterIPs: undefined });
  return copy;
}

async function run(program: string, args: string[], input?: string): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let words = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${words}`);
  return out;
}
