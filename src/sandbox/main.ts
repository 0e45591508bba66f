import { startSandbox } from './sandbox.ts';

/** Of the environment. Throws for what isn't one. */
function portOf(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined || text === '') return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`${variable} has to be a port number, 0 to 65535`);
  return port;
}

async function main(): Promise<void> {
  const sandbox = await startSandbox({
    port: portOf('SANDBOX_PORT') ?? 8001,
    host: process.env.SANDBOX_HOST ?? '127.0.0.1',
    faultsPort: portOf('SANDBOX_FAULTS_PORT'),
  });
  process.stdout.write(
    `Keelson sandbox (not a real Kubernetes): ${sandbox.url}\n` +
      `Look inside with:  kubectl --server=${sandbox.url} get namespaces,deployments,pods --all-namespaces\n` +
      (sandbox.faultsUrl ? `Break it with:     POST ${sandbox.faultsUrl}/faults\n` : ''),
  );
  const stop = (): void => {
    void sandbox.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`sandbox: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
