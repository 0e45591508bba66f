import { DataSource } from 'typeorm';
import { App } from '../src/apps/app.entity.ts';
import { StructureLedger } from '../src/apps/structure-ledger.ts';
import { withLiveReplicas } from '../src/deploy/autoscaled.ts';
import { desiredState, nameOf } from '../src/deploy/desired-state.ts';
import { differences } from '../src/deploy/differs.ts';
import { MANIFEST_SOURCES, type ManifestSource } from '../src/deploy/manifest-source.ts';
import { SnapshotReader } from '../src/deploy/snapshot-reader.ts';
import { INSTALLATION } from '../src/kubernetes/labels.ts';
import { ReleaseLedger } from '../src/releases/release-ledger.ts';
import type { Keelson } from './keelson.ts';
import { clusterOf } from './test-cluster.ts';

/** In what the cluster isn't as the rows of an app want it, e.g. `Deployment/demo-web spec.replicas`; empty when all is. */
export async function notAsDesired({ app: keelson }: Keelson, id: string): Promise<string[]> {
  const { manager } = keelson.get(DataSource);
  const cluster = clusterOf({ app: keelson });
  const sources = keelson.get<readonly ManifestSource[]>(MANIFEST_SOURCES);
  const app = await manager.findOneOrFail(App, { where: { id }, relations: { owner: true } });
  const release = await keelson.get(ReleaseLedger).head(manager, app.uuid);
  if (!release) return [];
  const rows = await keelson.get(StructureLedger).rows(manager, app.uuid);
  const snapshot = await keelson.get(SnapshotReader).read(manager, app, release, rows, {});
  const { phases, names } = desiredState(snapshot, sources);
  const kinds = new Map(sources.flatMap((source) => source.kinds).map((kind) => [kind.kind, kind]));
  const found: string[] = [];
  for (const object of Object.values(phases).flat(2)) {
    const kind = kinds.get(object.kind);
    const live = kind && (await cluster.get(kind, kind.namespaced ? id : undefined, object.metadata.name));
    if (!live) found.push(`${nameOf(object)} is missing`);
    else found.push(...differences(withLiveReplicas(snapshot, object, live), live).map(({ path }) => `${nameOf(object)} ${path}`));
  }
  for (const kind of ['Deployment', 'Service', 'Ingress', 'HorizontalPodAutoscaler']) {
    const declared = kinds.get(kind);
    const live = declared ? await cluster.list(declared, id, `${INSTALLATION}=${snapshot.installation}`) : [];
    found.push(...live.filter((object) => !names.has(nameOf(object))).map((object) => `${nameOf(object)} is left over`));
  }
  return found;
}
