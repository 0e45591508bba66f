import { spawnSync } from 'node:child_process';
import type { IPodSpec } from 'kubernetes-models/v1';
import { appSnapshot, expectKnown, manifestOptions, type Given } from '../../test/app-snapshot.ts';
import { runPod } from './run-pod.manifests.ts';

const run = { uuid: '00000000-0000-4000-8000-00000000000d', name: 'demo-run-a1b2c', command: 'echo "$HOME"' };
const pod = (given: Given = {}) => runPod(appSnapshot(given), run, manifestOptions);

describe('the pod of a one-off run', () => {
  it('is a pod of the release that runs once and has no probes', () => {
    const manifest = pod({
      config: {
        values: { A: 'b' },
        memory: { run: '1G', web: '2G' },
        tags: { ssd: 'true' },
        healthcheck: { run: { livenessProbe: { tcpSocket: { port: 1 } } } },
      },
    });
    expectKnown(manifest);
    expect(manifest.metadata).toEqual({
      name: 'demo-run-a1b2c',
      namespace: 'demo',
      labels: {
        app: 'demo',
        heritage: 'drycc',
        type: 'run',
        version: 'v2',
        'app.kubernetes.io/name': 'demo',
        'app.kubernetes.io/component': 'run',
        'app.kubernetes.io/version': 'v2',
        'app.kubernetes.io/managed-by': 'keelson',
        'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
        'keelson.dev/run-uuid': run.uuid,
      },
    });
    const { containers, ...spec } = manifest['spec'] as IPodSpec;
    expect(spec).toEqual({
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 30,
      automountServiceAccountToken: false,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      nodeSelector: { ssd: 'true' },
    });
    expect(containers).toHaveLength(1);
    expect(containers[0]).toMatchObject({
      name: 'demo-run',
      image: 'registry.example.com/demo:1',
      command: ['/bin/sh', '-c'],
      args: ['echo "$HOME"'],
      resources: { limits: { memory: '1Gi' } },
      securityContext: { allowPrivilegeEscalation: false },
    });
    expect(containers[0]?.env).toContainEqual({ name: 'A', valueFrom: { secretKeyRef: { name: 'demo-v2-env', key: 'A' } } });
    expect(Object.keys(containers[0] ?? {})).not.toEqual(expect.arrayContaining([expect.stringMatching(/Probe|lifecycle/)]));
  });

  it('of a slug is started by the slug runner', () => {
    const { containers } = pod({ build: { sha: 'abc' } })['spec'] as IPodSpec;
    expect(containers[0]).toMatchObject({ image: 'drycc/slugrunner:canary', command: ['/runner/init'], args: ['echo "$HOME"'] });
  });

  describe('of words that no shell is to read', () => {
    const words = ['node', '-p', 'a  b', '', "it's", '$(DRYCC_APP) $$ `id`', '; exit 1', '*', 'ünï\\'];
    const containerOf = (given: Given, command = words) => {
      const [container] = (runPod(appSnapshot(given), { ...run, command }, manifestOptions)['spec'] as IPodSpec).containers;
      return { command: container?.command?.map(expanded), args: container?.args?.map(expanded) };
    };
    // as Kubernetes does, with an environment that knows the app
    const expanded = (text: string): string => text.replace(/\$\$|\$\(DRYCC_APP\)/g, (found) => (found === '$$' ? '$' : 'demo'));

    it.each([
      ['image', {}],
      ['Dockerfile', { build: { sha: 'abc', dockerfile: 'FROM scratch' } }],
    ])('of an %s runs just these', (_, given) => {
      expect(containerOf(given)).toEqual({ command: words, args: undefined });
    });

    it.each([
      [
        'a program',
        ['node', '-p', 'JSON.stringify(process.argv.slice(1))', '--', ...words.slice(3)],
        `${JSON.stringify(words.slice(3))}\n`,
      ],
      ['no builtin of a shell', ['eval', 'echo', 'got through'], ''],
      ['no process of the Procfile', ['start', 'web'], ''],
    ])('of a slug is one line that the runner’s shell makes way for: %s', (_, command, output) => {
      const container = containerOf({ build: { sha: 'abc' } }, command);
      expect(container).toEqual({ command: ['/runner/init'], args: [expect.any(String)] });
      // what the runner ends with
      const runner = 'case "$1" in start) command="echo started $2" ;; *) command="$@" ;; esac; exec bash -c "$command"';
      const { stdout } = spawnSync('bash', ['-c', runner, '/runner/init', ...(container.args ?? [])], { encoding: 'utf8' });
      expect(stdout).toBe(output);
    });
  });

  it('needs a build', () => {
    expect(() => pod({ build: null })).toThrow('v2 of demo has no build to run demo-run-a1b2c with');
  });
});
