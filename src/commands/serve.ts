import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { collectDefaultMetrics } from 'prom-client';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { createApp } from '../bootstrap.ts';
import type { Extension } from '../extension.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Settings } from '../settings/settings.ts';

/** Milliseconds: how closely the event loop is looked at. What a timer of it is late by is more than that by as much. */
const LAG_PRECISION = 1;

/**
 * Per cent that the heap may grow by until all of it is collected. On a large machine V8 lets it double first: an answer of some hundred rows
 * outlives the small collections, so what was answered long ago would stay resident.
 */
const HEAP_GROWTH = 15;

/** `keelson serve`: Keelson, until it is told to end. What keeps it from starting ends it with 1. */
export async function serve(args: string[], extensions: readonly Extension[]): Promise<undefined> {
  parseArgs({ args, options: {} });
  setFlagsFromString(`--heap-growing-percent=${String(HEAP_GROWTH)}`);
  const settings = Settings.parse(process.env);
  // until the application takes the signals itself; what was started ends with the process
  const endNow = (): never => process.exit(130);
  process.once('SIGTERM', endNow).once('SIGINT', endNow);
  const app = await createApp(settings, { extensions });
  collectDefaultMetrics({ register: app.get(Metrics).registry, eventLoopMonitoringPrecision: LAG_PRECISION });
  process.off('SIGTERM', endNow).off('SIGINT', endNow);
  await app.listen(settings.port, settings.host);
  if (settings.embeddedDatabase) process.stdout.write(greeting(await addressOf(app), settings));
}

async function addressOf(app: NestFastifyApplication): Promise<string> {
  return (await app.getUrl()).replace(/\/$/, '');
}

/** What somebody who tries Keelson out may do next. */
function greeting(address: string, { cluster, dataDir }: Settings): string {
  return `
Keelson listens on ${address}; its reference, to read and to try out, is ${address}/docs
The database is embedded, its data in ${dataDir}
${cluster.kind === 'sandbox' ? 'The cluster is a sandbox inside this process: nothing that it shows really runs.' : `The cluster is that of the ${cluster.kind}.`}

Try next, in another terminal:

  curl ${address}/v2/auth/register -d '{"username": "ada", "password": "opensesame", "email": "ada@example.com"}' -H 'Content-Type: application/json'
  TOKEN=$(curl -s ${address}/v2/auth/login -d '{"username": "ada", "password": "opensesame"}' -H 'Content-Type: application/json' | cut -d '"' -f 4)
  curl ${address}/v2/apps -H "Authorization: token $TOKEN" -H 'Content-Type: application/json' -d '{"id": "hello"}'
  curl ${address}/v2/apps/hello/builds -H "Authorization: token $TOKEN" -H 'Content-Type: application/json' -d '{"image": "drycc/example-go"}'
  curl ${address}/v2/apps/hello/pods -H "Authorization: token $TOKEN"
`;
}
