import { behaviourOf, fullReference, programOf, referenceFault } from './image-behaviour.ts';

it.each([
  ['local/web:1', 'server'],
  ['registry.local:5000/team/web-crash:v2', 'crash'],
  ['web:crash', 'crash'],
  ['web-missing', 'missing'],
  ['crash/web', 'server'],
  ['denied', 'denied'],
  ['slow:1', 'slow'],
  ['web:oom', 'oom'],
  [`web-crash@sha256:${'0'.repeat(64)}`, 'crash'],
])('%s behaves as %s', (image, behaviour) => {
  expect(behaviourOf(image)).toBe(behaviour);
});

it.each([
  ['web', 'docker.io/library/web:latest'],
  ['local/web:1', 'docker.io/local/web:1'],
  ['localhost/web', 'localhost/web:latest'],
  ['registry.local:5000/web', 'registry.local:5000/web:latest'],
  ['ghcr.io/a/b@sha256:abc', 'ghcr.io/a/b@sha256:abc'],
])('%s is in full %s', (image, full) => {
  expect(fullReference(image)).toBe(full);
});

it.each([
  ['web:1', undefined],
  ['registry.local:5000/a/b-c/d_e:V1.2', undefined],
  ['Local//x', 'invalid reference format: repository name must be lowercase'],
  ['a//b', 'invalid reference format'],
  ['web:', 'invalid reference format'],
  ['', 'invalid reference format'],
])('%j: %s', (image, fault) => {
  expect(referenceFault(image)).toBe(fault);
});

describe('a container runs', () => {
  const sh = (script: string): string[] => ['/bin/sh', '-c', script];

  it.each([
    ['the image itself', 'web:1', [], 'Always', 'server'],
    ['a command that goes on', 'web:1', sh('node server.js'), 'Always', 'server'],
    ['a loop', 'web:1', sh('while true; do echo x; sleep 1; done'), 'Always', 'server'],
    ['a long sleep', 'web:1', sh('sleep 3600'), 'Always', 'server'],
    ['arguments without a shell', 'web:1', ['worker', '--queue'], 'Always', 'server'],
    ['exit', 'web:1', sh('exit 1'), 'Always', 'script'],
    ['echo and exit', 'web:1', sh('NAME=x; echo "no $NAME"; exit 3'), 'Always', 'script'],
    ['sleep and exit', 'web:1', sh('sleep 1 && exit 2'), 'Always', 'script'],
    ['a one-off command', 'web:1', sh('node migrate.js'), 'Never', 'script'],
    ['a one-off command without a shell', 'web:1', ['ls', '/'], 'OnFailure', 'script'],
    ['a crashing image', 'web-crash:1', sh('node server.js'), 'Always', 'end'],
    ['a one-off command in a crashing image', 'web-crash:1', sh('ls'), 'Never', 'script'],
  ])('%s', (_, image, argv, restartPolicy, kind) => {
    expect(programOf(image, argv, {}, restartPolicy).kind).toBe(kind);
  });

  it.each([
    ['web', {}, 5000, 20],
    ['web', { PORT: '8080', DELAY: '1.5' }, 8080, 1500],
    ['slow', {}, 5000, 3000],
    ['slow', { DELAY: '0' }, 5000, 0],
  ])('%s with %j on a port, after a time', (image, env, port, listenAfter) => {
    expect(programOf(image, [], env as Record<string, string>, 'Always')).toMatchObject({ port, listenAfter });
  });
});
