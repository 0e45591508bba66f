import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { readBody } from '../api-request.ts';
import { faultSchema } from './fault.ts';
import type { Faults } from './faults.ts';

interface Answer {
  code: number;
  body?: unknown;
}

/**
 * The fault API, on a port of its own so that it answers while the Kubernetes API doesn't:
 * `POST /faults` begins one, `GET /faults` lists those that stand, `DELETE /faults/{id}` lifts one, `DELETE /faults` all.
 */
export class FaultServer {
  private readonly server: Server;

  constructor(private readonly faults: Faults) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  /** Answers the address. Listens on this machine alone. Port 0 takes any that is free. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error): void =>
        reject(new Error(`the fault API can't listen on port ${port} (${cause.message}): choose another SANDBOX_FAULTS_PORT`, { cause }));
      this.server.once('error', refused).listen(port, '127.0.0.1', () => {
        this.server.off('error', refused);
        resolve();
      });
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { code, body } = await this.handle(request).catch((error: unknown): Answer => {
      if (error instanceof z.ZodError) return { code: 400, body: { faults: z.flattenError(error) } };
      if (error instanceof ApiError) return { code: error.code, body: { detail: error.message } };
      return { code: 500, body: { detail: String(error) } };
    });
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  }

  private async handle(request: IncomingMessage): Promise<Answer> {
    // a page in somebody's browser has nothing to ask here
    if (request.headers.origin !== undefined) throw new ApiError(403, 'Forbidden', 'the sandbox does not answer to web pages');
    const [, id] = /^\/faults(?:\/(\d+))?$/.exec(request.url ?? '') ?? [null];
    if (id === null) throw new ApiError(404, 'NotFound', 'there is /faults and /faults/{id}');
    switch (`${request.method ?? ''}${id === undefined ? '' : ' one'}`) {
      case 'GET':
        return { code: 200, body: { faults: this.faults.list() } };
      case 'POST':
        return { code: 201, body: await this.faults.begin(faultSchema.parse(parsed(await readBody(request)))) };
      case 'DELETE':
        await this.faults.liftAll();
        return { code: 204 };
      case 'DELETE one':
        if (!(await this.faults.lift(Number(id)))) throw new ApiError(404, 'NotFound', `no fault ${id} stands`);
        return { code: 204 };
      default:
        throw new ApiError(405, 'MethodNotAllowed', 'ask with GET, POST or DELETE');
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, 'BadRequest', `the body isn't JSON: ${(error as Error).message}`);
  }
}
