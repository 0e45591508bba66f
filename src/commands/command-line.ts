import type { Extension } from '../extension.ts';

/** What a command takes and gives. The module is loaded when it is called for. */
interface Command {
  summary: string;
  /** @returns how the process ends; undefined: it goes on */
  load(): Promise<(args: string[], extensions: readonly Extension[]) => Promise<number | undefined>>;
}

/** Ends with it who doesn't know how to go on: a wrong command, or one that couldn't do what it is for. */
const MISUSED = 2;

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    summary: 'serves the API; what `keelson` alone does',
    load: async () => (await import('./serve.ts')).serve,
  },
  migrate: {
    summary: 'brings the database to this version; makes the Secret KEELSON_KEYS_SECRET where there is none',
    load: async () => (await import('./migrate.ts')).migrateCommand,
  },
  'secrets verify': {
    summary: 'tells whether everything that is encrypted opens, and, by --dump FILE, whether it is in clear in a dump',
    load: async () => (await import('./secrets-verify.ts')).secretsVerify,
  },
  'secrets rotate': {
    summary: 'encrypts everything with the newest key of ENCRYPTION_KEYS, while Keelson runs',
    load: async () => (await import('./secrets-rotate.ts')).secretsRotate,
  },
  'database password': {
    summary: 'makes the Secret of the password of the chart’s own PostgreSQL where there is none',
    load: async () => (await import('./database-password.ts')).databasePassword,
  },
  'audit verify': {
    summary: 'tells whether the audit log is as it was written',
    load: async () => (await import('./audit-verify.ts')).auditVerify,
  },
  'audit export': {
    summary: 'writes the audit log as lines of JSON, oldest first; of --since TIME, --until TIME, --app ID',
    load: async () => (await import('./audit-export.ts')).auditExport,
  },
};

const HELP = `Usage: keelson [command]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(19)}${summary}`)
  .join('\n')}

Settings are environment variables: docs/configure.md. How commands end: docs/operate.md.
`;

/** The words before the first option name the command. */
async function commandOf(args: readonly string[], extensions: readonly Extension[]): Promise<number | undefined> {
  const options = args.findIndex((arg) => arg.startsWith('-'));
  const words = options === -1 ? args : args.slice(0, options);
  const rest = options === -1 ? [] : args.slice(options);
  if (rest.includes('--help') || rest.includes('-h') || words.join(' ') === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const name = words.length === 0 ? 'serve' : words.join(' ');
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    process.stderr.write(`There is no command "${name}".\n\n${HELP}`);
    return MISUSED;
  }
  return (await command.load())([...rest], extensions);
}

/** Does what the process was called for: Keelson as a program, with what others add to it. */
export function runCommand(extensions: readonly Extension[] = []): void {
  commandOf(process.argv.slice(2), extensions).then(
    (code) => {
      if (code !== undefined) process.exitCode = code;
    },
    (error: unknown) => {
      // what keeps a command from its work is said in words; where it comes from helps only who looks for a bug
      const words = error instanceof Error ? error.message : String(error);
      const stack = error instanceof Error && process.env.LOG_LEVEL === 'debug' ? `\n${error.stack ?? ''}` : '';
      process.stderr.write(`${words}${stack}\n`);
      const misused = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_');
      process.exit(misused ? MISUSED : 1);
    },
  );
}
