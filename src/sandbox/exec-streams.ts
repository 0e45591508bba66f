import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Status } from './api-error.ts';
import { flag, notServed, type ApiRequest } from './api-request.ts';
import type { Execution, PodExec } from './controllers/pod-exec.ts';

/** The first byte of each message says what it carries. */
const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 };

/** The newest can say that the input ends; with the older one, a command gets none. */
const newest = 'v5.channel.k8s.io';
const protocols = [newest, 'v4.channel.k8s.io'];

/** Commands in containers over WebSockets, as the official client and newer kubectls run them. */
export class ExecStreams {
  private readonly server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });

  constructor(private readonly exec: PodExec) {}

  stop(): void {
    for (const socket of this.server.clients) socket.terminate();
  }

  /** Takes the connection over. Throws ApiError before that, if the command can't run at all. */
  accept({ namespace = '', name = '', query }: ApiRequest, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket')
      throw notServed('streams over SPDY, only over WebSockets: use a kubectl from 1.31 on');
    const execution = this.exec.prepare({
      namespace,
      pod: name,
      container: query.get('container') ?? undefined,
      command: query.getAll('command'),
    });
    this.server.handleUpgrade(request, socket, head, (accepted) => void this.run(accepted, execution, query));
  }

  private async run(socket: WebSocket, execution: Execution, query: URLSearchParams): Promise<void> {
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    socket.on('error', () => socket.terminate());
    const send = (channel: number, text: string): void => socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
    try {
      const stdin = flag(query, 'stdin') && socket.protocol === newest ? await inputOf(socket) : undefined;
      const { stdout, stderr, exitCode } = await execution(stdin, gone.signal);
      if (gone.signal.aborted) return;
      if (stdout && flag(query, 'stdout')) send(channels.stdout, stdout);
      if (stderr && flag(query, 'tty')) send(channels.stdout, stderr);
      else if (stderr && flag(query, 'stderr')) send(channels.stderr, stderr);
      send(channels.status, JSON.stringify(outcome(exitCode)));
      socket.close(1000);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
      socket.close(1011);
    }
  }
}

/** Everything that is sent, once the client has said that it is all, or has gone. */
function inputOf(socket: WebSocket): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    const end = (): void => {
      socket.off('message', take).off('close', end);
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    const take = (data: RawData): void => {
      const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
      if (message[0] === channels.stdin) chunks.push(message.subarray(1));
      if (message[0] === channels.close && message[1] === channels.stdin) end();
    };
    socket.on('message', take).on('close', end);
  });
}

function outcome(exitCode: number): Partial<Status> {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
