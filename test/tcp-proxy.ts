import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type NetConnectOpts, type Socket } from 'node:net';

/** A way to a server that can be cut, closed and held up. */
export interface TcpProxy {
  port: number;
  /** Breaks all connections, as a failing network or server does: by a reset. */
  cut(): void;
  /** Cuts, and takes no more connections. */
  refuse(): void;
  /** Nothing goes through any more in either direction, and nobody is told. */
  freeze(): void;
  /**
   * Loses the answer to the COMMIT of the next transaction in which something was sent, and breaks its connection: it is committed, and
   * who asked for it can't know. @param text that was sent in it @param commits false: COMMIT itself is lost
   */
  loseCommit(text: string, commits?: boolean): Promise<void>;
  /**
   * Cuts all connections as soon as something is sent on one of them, before it gets through.
   * @param text that is sent @param after only once a transaction in which this was sent has been committed: what asks for work does so
   * at times with nothing there to be done. The connection that committed it is left, unless the text is sent on it: the answer to COMMIT
   * may still be on its way there
   */
  cutAt(text: string, after?: string): Promise<void>;
  /** Everything goes through again, what was held up too. */
  accept(): void;
  stop(): Promise<void>;
}

/**
 * What a client sends, with the text of the prepared statements that it only names.
 * @param prepared the statements of the connection by their names, to which new ones are added
 */
function wordsOf(chunk: Buffer, prepared: Map<string, string>): string {
  const words = chunk.toString('latin1');
  for (const [, name = '', text = ''] of words.matchAll(/P[^]{4}(keelson_\d+)\0([^\0]*)\0/g)) prepared.set(name, text);
  const named = [...words.matchAll(/B[^]{4}[^\0]*\0(keelson_\d+)\0/g)].map(([, name = '']) => prepared.get(name) ?? '');
  return [words, ...named].join('\0');
}

interface Pair {
  client: Socket;
  server: Socket;
}

/** @param target where connections lead to: a port, or a Unix socket */
export async function startTcpProxy(target: NetConnectOpts): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let refusing = false;
  let frozen = false;
  let losing: { text: string; commits: boolean; lost: () => void } | null = null;
  let cutting: { text: string; after: string | undefined; committed: Pair | null; done: () => void } | null = null;
  const proxy = createServer({ pauseOnConnect: true }, (client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(target);
    const pair = { client, server };
    pairs.add(pair);
    let sent = '';
    let dropping = false;
    const prepared = new Map<string, string>();
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      from.on('end', () => to.end());
      from.on('data', (chunk: Buffer) => {
        if (dropping) {
          client.resetAndDestroy();
          server.end();
          return;
        }
        const words = from === client ? wordsOf(chunk, prepared) : '';
        if (from === client && cutting && cutting.after === undefined && words.includes(cutting.text)) {
          const { committed, done } = cutting;
          cutting = null;
          cut(committed === pair ? null : committed);
          done();
          return;
        }
        if (from === client && (losing || cutting)) {
          sent += words;
          if (cutting?.after !== undefined && sent.includes(cutting.after) && words.includes('COMMIT')) {
            cutting = { ...cutting, after: undefined, committed: pair };
          }
          if (losing && sent.includes(losing.text) && words.includes('COMMIT')) {
            const { commits, lost } = losing;
            [dropping, losing] = [true, null];
            lost();
            if (commits) server.write(chunk);
            else client.resetAndDestroy();
            return;
          }
          if (/COMMIT|ROLLBACK/.test(words)) sent = '';
        }
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (!frozen) from.resume();
      });
    }
    client.resume();
    if (frozen) for (const socket of [client, server]) socket.pause();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const cut = (spared: Pair | null = null): void => {
    for (const pair of pairs) {
      if (pair === spared) continue;
      pair.client.resetAndDestroy();
      pair.server.destroy();
    }
  };
  return {
    port: (proxy.address() as AddressInfo).port,
    cut() {
      cut();
    },
    refuse() {
      refusing = true;
      cut();
    },
    freeze() {
      frozen = true;
      for (const { client, server } of pairs) {
        client.pause();
        server.pause();
      }
    },
    cutAt(text, after) {
      return new Promise((done) => {
        cutting = { text, after, committed: null, done };
      });
    },
    loseCommit(text, commits = true) {
      return new Promise((lost) => {
        losing = { text, commits, lost };
      });
    },
    accept() {
      refusing = false;
      frozen = false;
      for (const { client, server } of pairs) {
        client.resume();
        server.resume();
      }
    },
    async stop() {
      const closed = once(proxy, 'close');
      proxy.close();
      cut();
      await closed;
    },
  };
}
