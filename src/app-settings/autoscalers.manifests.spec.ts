import { appSnapshot, expectKnown, type Given } from '../../test/app-snapshot.ts';
import { AutoscalerManifests } from './autoscalers.manifests.ts';

const rule = { min: 2, max: 5, cpu_percent: 80 };

function autoscalers(given: Given) {
  const all = new AutoscalerManifests().manifests(appSnapshot(given));
  for (const { manifest } of all) expectKnown(manifest);
  return all;
}

const settings = { maintenance: false, routable: true, whitelist: [], autoscale: { web: rule, worker: rule, ghost: rule } };

it('a type with a rule gets an autoscaler of its Deployment', () => {
  expect(autoscalers({ settings, structure: { web: 2 } })).toEqual([
    {
      phase: 'after',
      manifest: {
        apiVersion: 'autoscaling/v1',
        kind: 'HorizontalPodAutoscaler',
        metadata: {
          name: 'demo-web',
          namespace: 'demo',
          labels: {
            app: 'demo',
            heritage: 'drycc',
            type: 'web',
            'app.kubernetes.io/name': 'demo',
            'app.kubernetes.io/component': 'web',
            'app.kubernetes.io/managed-by': 'keelson',
            'keelson.dev/installation': '00000000-0000-4000-8000-00000000000c',
          },
        },
        spec: {
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'demo-web' },
          minReplicas: 2,
          maxReplicas: 5,
          targetCPUUtilizationPercentage: 80,
        },
      },
    },
  ]);
});

it.each([
  ['that has no rule', { settings: { ...settings, autoscale: {} } }],
  ['that is stopped', { settings, structure: { web: 0 } }],
  ['that the build cannot run', { settings, structure: { ghost: 1 } }],
  ['before the first build', { settings, build: null, structure: {} }],
] as [string, Given][])('none for a type %s', (_, given) => {
  expect(autoscalers(given)).toEqual([]);
});

it('names of long types are cut as their Deployments are', () => {
  const type = 'w'.repeat(80);
  const [autoscaler] = autoscalers({
    build: { procfile: { [type]: 'x' } },
    structure: { [type]: 1 },
    settings: { ...settings, autoscale: { [type]: rule } },
  });
  expect(autoscaler?.manifest.metadata.name).toHaveLength(63);
  expect(autoscaler?.manifest['spec']).toMatchObject({ scaleTargetRef: { name: autoscaler?.manifest.metadata.name } });
});
