import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort, KeelsonProcess } from './keelson-process.ts';

/** What readers are told to type does what it is said to do: each page from its top, on a Keelson that was just started, with curl. */

interface Walk {
  /** Where it begins and ends in the page. */
  from: string;
  to?: string;
  /** Calls that are there to be refused, in their order. */
  refused: string[];
}

const WALKS: Record<string, Walk> = {
  'README.md': { from: '## Five minutes with curl', to: '## Many users, many apps', refused: ['400 /v2/apps/hello/builds'] },
  'docs/api.md': { from: '## The examples', refused: ['400 /v2/apps/hello/builds'] },
  'docs/administer.md': {
    from: '## Step by step',
    to: '## Who has an app, and by what',
    refused: ['403 /v2/apps/shop/scale', '403 /v2/apps/shop/run'],
  },
};

/** The commands of a part of a page. */
function commandsIn(page: string, { from, to }: Walk): string {
  const text = readFileSync(page, 'utf8');
  const begin = text.indexOf(`\n${from}\n`);
  const end = to === undefined ? text.length : text.indexOf(`\n${to}\n`);
  expect([begin >= 0, end > begin]).toEqual([true, true]);
  return [...text.slice(begin, end).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block).join('');
}

/** A curl that tells, on standard error, how each call was answered. */
function tellingCurl(folder: string): string {
  const curl = execFileSync('sh', ['-c', 'command -v curl'], { encoding: 'utf8' }).trim();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'curl'), `#!/bin/sh\nexec ${curl} -w '%{stderr}\\nanswer %{http_code} %{url_effective}\\n' "$@"\n`, {
    mode: 0o755,
  });
  return bin;
}

it.each(Object.entries(WALKS))('%s can be followed', async (page, walk) => {
  const commands = commandsIn(page, walk);
  const folder = mkdtempSync(join(tmpdir(), 'keelson-docs-'));
  // the embedded PostgreSQL may run as another user
  chmodSync(folder, 0o755);
  const base = `http://127.0.0.1:${String(await freePort())}`;
  const keelson = KeelsonProcess.start('keelson.js', { PORT: new URL(base).port, SANDBOX_PORT: '0', DATA_DIR: join(folder, '.keelson') });
  try {
    await keelson.answers(`${base}/readiness`);
    expect(commands).toContain('KEELSON=http://127.0.0.1:8000\n');
    writeFileSync(join(folder, 'commands'), commands.replace('KEELSON=http://127.0.0.1:8000\n', `KEELSON=${base}\n`));
    const shell = spawn('sh', ['commands'], {
      cwd: folder,
      env: { PATH: `${tellingCurl(folder)}${delimiter}${process.env.PATH ?? ''}`, HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, told] = ['', ''];
    shell.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    shell.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await once(shell, 'close');
    const answers = [...told.matchAll(/^answer (\d+) (.*)$/gm)].map(([, status = '', url = '']) => `${status} ${new URL(url).pathname}`);
    const calls = commands.split('\n').filter((line) => /^(api|builder) |\$\((api|login) /.test(line));
    expect(calls.length).toBeGreaterThan(10);
    expect({ refused: answers.filter((answer) => !answer.startsWith('2')), told, output }).toEqual({ refused: walk.refused, told, output });
    expect(answers.length).toBeGreaterThanOrEqual(calls.length);
  } finally {
    await keelson.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
});
