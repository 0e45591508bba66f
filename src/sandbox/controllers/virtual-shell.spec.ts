import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInShell, shellScript, type ShellResult } from './virtual-shell.ts';

jest.setTimeout(60_000);

const never = new AbortController().signal;
const sh = (script: string, env: Record<string, string> = {}): Promise<ShellResult> =>
  runInShell({ argv: ['/bin/sh', '-c', script], env, merged: true }, never);

it('gives output in its order, and the exit code', async () => {
  expect(await sh('echo one\necho two >&2\n(echo three; exit 3)\necho "$? four"; exit 4')).toEqual({
    stdout: 'one\ntwo\nthree\n3 four\n',
    stderr: '',
    exitCode: 4,
  });
  expect(await runInShell({ argv: ['sh', '-c', 'echo out; echo err >&2'], env: {} }, never)).toEqual({
    stdout: 'out\n',
    stderr: 'err\n',
    exitCode: 0,
  });
});

it.each([
  ['arguments after the script', ['sh', '-c', 'echo "$1-$2"', 'sh', 'a b', "it's"], "a b-it's\n", 0],
  ['a command without a shell', ['echo', '$HOME', "it's"], "$HOME it's\n", 0],
  ['set -e by a flag', ['sh', '-ec', 'false; echo on'], '', 1],
  ['a command that is not there', ['nosuchcommand'], 'bash: nosuchcommand: command not found\n', 127],
  ['a builtin without its shell', ['eval', 'echo on'], 'bash: eval: command not found\n', 127],
  ['a script that is no script', ['sh', '-c', 'echo "unclosed'], expect.stringContaining('unexpected EOF') as string, 2],
])('understands %s', async (_, argv, stdout, exitCode) => {
  const result = await runInShell({ argv, env: {}, merged: true }, never);
  expect({ output: result.stdout + result.stderr, exitCode: result.exitCode }).toEqual({ output: stdout, exitCode });
});

it('reads what it is sent, in any language', async () => {
  expect(await runInShell({ argv: ['sh', '-c', 'cat; echo "ü $NAME"'], env: { NAME: 'é' }, stdin: 'ñ\n' }, never)).toMatchObject({
    stdout: 'ñ\nü é\n',
  });
});

describe('keeps out of the host', () => {
  it('sees no file of it and writes none', async () => {
    const { stdout } = await sh(`cat ${__filename} /etc/passwd /proc/self/environ; ls /; echo x > /tmp/escaped && ls /tmp`);
    expect(stdout).not.toContain('keeps out of the host');
    expect(stdout).not.toContain('root:');
    expect(stdout.match(/No such file/g)).toHaveLength(3);
    expect(stdout).toContain('escaped');
    expect((await sh('ls /tmp')).stdout).not.toContain('escaped');
  });

  it('sees nothing of its environment', async () => {
    process.env.HOST_SECRET = 'of the host';
    const { stdout } = await sh('env; export', { ONLY: 'this' });
    delete process.env.HOST_SECRET;
    expect(stdout).toContain('ONLY=this');
    expect(stdout).not.toContain('of the host');
    expect(stdout).not.toContain('NODE_ENV');
  });

  it('reaches no network and no other program', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end('reached');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    const { stdout } = await sh(
      `curl ${url}; wget -O - ${url}; nc 127.0.0.1 ${port}; cat </dev/tcp/127.0.0.1/${port}; node -v; python3 -V; js-exec 1`,
    );
    await new Promise((resolve) => server.close(resolve));
    expect(asked).toBe(0);
    expect(stdout).not.toMatch(/reached|^v\d|^Python/m);
  });
});

describe('ends what does not end', () => {
  it.each(['while :; do :; done', 'f() { f; }; f', 'x=aaaaaaaaaa; while :; do x="$x$x"; done'])('%s', async (script) => {
    expect((await sh(script)).exitCode).toBe(126);
  });

  it('by its signal, while the event loop goes on', async () => {
    const killed = new AbortController();
    const run = runInShell({ argv: ['sh', '-c', 'sleep 3600'], env: {} }, killed.signal);
    let turns = 0;
    const interval = setInterval(() => (turns += 1) === 5 && killed.abort(new Error('enough')), 10);
    await expect(run).rejects.toThrow('enough');
    clearInterval(interval);
  });

  it('at once if the signal has come before', async () => {
    await expect(runInShell({ argv: ['sh'], env: {} }, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });
});

it.each([
  [['/bin/sh', '-c', 'x'], 'x'],
  [['bash', '-ec', 'x', 'y'], 'x'],
  [['/bin/busybox', 'sh'], undefined],
  [['node', '-c', 'x'], undefined],
  [[], undefined],
])('%j has the script %s', (argv, script) => {
  expect(shellScript(argv)).toBe(script);
});
