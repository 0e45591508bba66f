import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { deployHookUrl, sendDeployHook, shownUrl, signature } from './deploy-hook-request.ts';

const release = { app: 'demo', version: 3, summary: 'ada added A, B & C', sha: 'abc1234', user: 'ada@home' };
const parameters = 'app=demo&release=v3&release_summary=ada+added+A%2C+B+%26+C&sha=abc1234&user=ada%40home';

it.each([
  ['https://example.com/hook', `https://example.com/hook?${parameters}`],
  ['https://example.com', `https://example.com/?${parameters}`],
  ['https://example.com/hook?', `https://example.com/hook?${parameters}`],
  ['https://example.com/hook?token=x%20y#top', `https://example.com/hook?token=x%20y&${parameters}`],
])('%s gets its parameters in alphabetical order, after its own', (base, url) => {
  expect(deployHookUrl(base, release)).toBe(url);
});

it('without a build, sha is empty; a very long summary is cut between characters', () => {
  const url = new URL(deployHookUrl('http://a/', { ...release, sha: null, summary: '🚢'.repeat(2_000) }));
  expect(url.searchParams.get('sha')).toBe('');
  expect(url.searchParams.get('release_summary')).toBe(`${'🚢'.repeat(1_499)}…`);
});

it('logs have a URL without credentials and parameters', () => {
  expect(shownUrl('https://ada:secret@example.com:8443/hook?token=x&app=demo')).toBe('https://example.com:8443/hook');
});

it('a signature is the HMAC-SHA1 of the URL', () => {
  // openssl: printf %s 'https://example.com/hook?app=demo' | openssl dgst -sha1 -hmac key
  expect(signature('https://example.com/hook?app=demo', 'key')).toBe('e29790bcdf6120e96a1248bef351602c507a313e');
});

describe('a call', () => {
  let server: Server;
  let base: string;
  let answer: RequestListener;
  let calls: IncomingMessage[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      calls.push(request);
      answer(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    base = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  beforeEach(() => {
    calls = [];
    answer = (_, response) => response.end();
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is a POST without a body, signed if there is a secret', async () => {
    await sendDeployHook(`http://${base}/hook?token=x&app=demo`, 'key');
    await sendDeployHook(`http://${base}/hook`, undefined);
    const [signed, unsigned] = calls;
    expect(signed).toMatchObject({ method: 'POST', url: '/hook?token=x&app=demo' });
    expect(signed?.headers).toMatchObject({
      'content-length': '0',
      authorization: signature(`http://${base}/hook?token=x&app=demo`, 'key'),
    });
    expect(unsigned?.headers).not.toHaveProperty('authorization');
  });

  it('takes credentials in the URL, and signs the URL without them', async () => {
    await sendDeployHook(`http://ada:s%3Acret@${base}/hook`, undefined);
    await sendDeployHook(`http://ada:s%3Acret@${base}/hook`, 'key');
    expect(calls.map(({ headers }) => headers.authorization)).toEqual([
      `Basic ${Buffer.from('ada:s:cret').toString('base64')}`,
      signature(`http://${base}/hook`, 'key'),
    ]);
  });

  it.each([301, 302, 307, 400, 404, 500])('that is answered with %i has failed; redirects are not followed', async (status) => {
    answer = (_, response) => response.writeHead(status, { Location: '/other' }).end();
    await expect(sendDeployHook(`http://${base}/hook?token=x`, undefined)).rejects.toThrow(new Error(`it answered ${String(status)}`));
    expect(calls).toHaveLength(1);
  });

  it('reads nothing of an answer that never ends', async () => {
    const closed = new Promise<void>((resolve) => {
      answer = (_, response) => {
        response.on('close', resolve);
        const pour = (): void => {
          if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(pour));
        };
        pour();
      };
    });
    await sendDeployHook(`http://${base}/hook`, undefined);
    await closed;
  });

  it('says in words what went wrong, and nothing of the URL', async () => {
    answer = (request) => request.socket.destroy();
    await expect(sendDeployHook(`http://${base}/hook?token=x`, undefined)).rejects.toThrow(/^other side closed$/);
    await expect(sendDeployHook('http://127.0.0.1:1/hook?token=x', undefined)).rejects.toThrow(/^(?!.*token).+/);
  });
});
