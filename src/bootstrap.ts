import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DestinationStream } from 'pino';
import { AppModule } from './app.module.ts';
import type { Extension } from './extension.ts';
import { createLogger, NestLogger } from './http/logger.ts';
import { serveOpenApi } from './http/openapi.ts';
import { RouteTable } from './http/route-table.ts';
import { httpServer } from './http/server.ts';
import type { ClusterAddress } from './kubernetes/kube-config.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { Metrics } from './metrics/metrics.ts';
import type { Settings } from './settings/settings.ts';

interface Options {
  /** Only the shape: nothing is created or connected, enough to read the routes. */
  preview?: boolean;
  /** Where the log goes; standard output by default. */
  log?: DestinationStream;
  /** What others add. */
  extensions?: readonly Extension[];
}

/** Keelson, ready to listen. Closing it lets requests end first. */
export async function createApp(
  settings: Settings,
  { preview = false, log, extensions = [] }: Options = {},
): Promise<NestFastifyApplication> {
  const logger = createLogger(settings.logLevel, log);
  const routes = new RouteTable();
  const metrics = new Metrics();
  const sandbox = preview ? null : await embeddedSandbox(settings);
  const modules = AppModule.with(settings, routes, logger, metrics, clusterAddress(settings, sandbox), sandbox, extensions);
  const app = await NestFactory.create<NestFastifyApplication>(modules, httpServer(settings, routes, logger, metrics), {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
    preview,
  });
  if (preview) return app;
  serveOpenApi(app);
  app.enableShutdownHooks();
  return app;
}

/** The sandbox is loaded only where there is no real cluster. */
async function embeddedSandbox({ cluster, sandboxPort }: Settings): Promise<Sandbox | null> {
  if (cluster.kind !== 'sandbox') return null;
  const { startSandbox } = await import('./sandbox/sandbox.ts');
  return startSandbox({ port: sandboxPort });
}

function clusterAddress({ cluster }: Settings, sandbox: Sandbox | null): ClusterAddress {
  if (cluster.kind === 'kubeconfig') return { kubeconfig: cluster.path };
  if (cluster.kind === 'service account') return { serviceAccount: true };
  return { sandbox: sandbox?.url ?? '' };
}
