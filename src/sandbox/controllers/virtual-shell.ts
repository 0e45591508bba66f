import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

export interface ShellCommand {
  argv: string[];
  env: Record<string, string>;
  stdin?: string;
  /** One output in the order of printing, as a container's log has it; else standard output and standard error apart. */
  merged?: boolean;
}

export interface ShellResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/**
 * Runs in a thread of its own, as text: the compiled project and the tests load modules in different ways, a thread has neither. It gets no
 * environment of the host's, no network is configured and the files are in memory.
 */
const bootstrap = `
const { parentPort, workerData } = require('node:worker_threads');
const { Bash } = require(workerData.library);
const { script, env, stdin } = workerData;
new Bash({ cwd: '/', env, executionLimits: { maxCommandCount: 20000, maxOutputSize: 4 << 20 } })
  .exec(script, { rawScript: true, env, replaceEnv: true, stdin })
  .then(({ stdout, stderr, exitCode }) => parentPort.postMessage({ stdout, stderr, exitCode }));
`;

const library = createRequire(import.meta.url).resolve('just-bash');

/**
 * Runs a command in a shell that is not the host's: in memory, without network, its endless loops stopped after 20,000 commands (exit code 126).
 * The output comes when it has ended. `signal` ends it: the promise is rejected with the signal's reason.
 */
export function runInShell(command: ShellCommand, signal: AbortSignal): Promise<ShellResult> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const worker = new Worker(bootstrap, {
      eval: true,
      env: {},
      workerData: { library, script: scriptOf(command), env: command.env, stdin: command.stdin },
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', abort);
      void worker.terminate();
      settle();
    };
    const abort = (): void => {
      end(() => {
        reject(signal.reason as Error);
      });
    };
    signal.addEventListener('abort', abort);
    worker.once('message', (result: ShellResult) => {
      end(() => {
        resolve(result);
      });
    });
    // The thread itself fails when it is out of memory: as if the kernel had ended the process.
    worker.once('error', (error) => {
      end(() => {
        resolve({ stdout: '', stderr: `${error.message}\n`, exitCode: 137 });
      });
    });
  });
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** The script of `sh -c '<script>' …`, if that is what the command is. */
export function shellScript(argv: string[]): string | undefined {
  const [program = '', flag = '', script] = argv;
  return /(^|\/)(ba|da|a|z)?sh$/.test(program) && /^-[a-z]*c$/.test(flag) ? script : undefined;
}

/** What a shell has, and no file system. */
const BUILTINS = new Set(
  (
    '. : alias bg break builtin cd command continue declare eval exec exit export fc fg getopts hash jobs let local read readonly return ' +
    'set shift shopt source times trap type typeset ulimit umask unalias unset wait'
  ).split(' '),
);

/** A command that no shell has to do with is a program. */
const programScript = ([program = '', ...args]: string[]): string =>
  BUILTINS.has(program) ? `echo 'bash: ${program}: command not found' >&2; exit 127` : [program, ...args].map(quoted).join(' ');

function scriptOf({ argv, merged }: ShellCommand): string {
  const script = shellScript(argv);
  const before = [
    ...(merged ? ['exec 2>&1'] : []),
    ...(script !== undefined && /e/.test(argv[1] ?? '') ? ['set -e'] : []),
    ...(script !== undefined && argv.length > 4 ? [`set -- ${argv.slice(4).map(quoted).join(' ')}`] : []),
  ];
  return [...before, script ?? programScript(argv)].join('; ');
}
