import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Dice } from './dice.ts';
import type { Replicas } from '../replicas.ts';

const run = promisify(execFile);

/** The tool that stops and continues the parts of a real cluster on this machine. */
const CLUSTER_TOOL = process.env.CLUSTER_TOOL ?? '../shared/cluster/cluster';

export type Mishap =
  | 'a replica is killed'
  | 'a replica is paused for longer than its leases'
  | 'the connections to the database are cut'
  | 'the database is away'
  | 'the connections to the cluster are cut'
  | 'the API server is paused';

/** @param lease seconds that a replica's leases hold */
export async function happen(mishap: Mishap, { all, sandbox }: Replicas, dice: Dice, lease: number): Promise<void> {
  const replica = dice.of(all);
  switch (mishap) {
    case 'a replica is killed':
      await replica.process().end('SIGKILL');
      await sleep(dice.whole(0, 3_000));
      await replica.start();
      break;
    case 'a replica is paused for longer than its leases':
      replica.process().signal('SIGSTOP');
      await sleep((lease + dice.whole(1, 4)) * 1_000);
      replica.process().signal('SIGCONT');
      break;
    case 'the connections to the database are cut':
      for (const { database } of dice.next() < 0.5 ? all : [replica]) database.cut();
      break;
    case 'the database is away':
      for (const { database } of all) database.refuse();
      await sleep(dice.whole(3_000, 10_000));
      for (const { database } of all) database.accept();
      break;
    case 'the connections to the cluster are cut':
      for (const { cluster } of dice.next() < 0.5 ? all : [replica]) cluster.cut();
      break;
    case 'the API server is paused':
      await (sandbox ? sandboxSignal(sandbox, 'SIGSTOP') : clusterTool('pause'));
      await sleep(dice.whole(3_000, 15_000));
      await (sandbox ? sandboxSignal(sandbox, 'SIGCONT') : clusterTool('resume'));
      break;
  }
}

async function sandboxSignal(sandbox: NonNullable<Replicas['sandbox']>, signal: NodeJS.Signals): Promise<void> {
  sandbox.signal(signal);
  return Promise.resolve();
}

async function clusterTool(verb: 'pause' | 'resume'): Promise<void> {
  if (!existsSync(CLUSTER_TOOL)) throw new Error(`There is no ${CLUSTER_TOOL} to pause the API server with: name one in CLUSTER_TOOL.`);
  await run(CLUSTER_TOOL, [verb, 'kube-apiserver']);
}
