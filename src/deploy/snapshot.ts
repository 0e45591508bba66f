import type { Autoscale } from '../app-settings/app-settings.entity.ts';
import type { ConfigContent } from '../config/config-content.ts';

/** One process type as the roll-out shall leave it. */
export interface ProcessSnapshot {
  type: string;
  /** Pods wanted; 0 while stopped. Of an autoscaled type: as many as there are. */
  replicas: number;
  /** Whether the cluster's autoscaler decides how many there are. */
  autoscaled: boolean;
  /** RFC 3339 stamp of the last rolling restart; null: never. */
  restartedAt: string | null;
}

export interface BuildSnapshot {
  uuid: string;
  image: string;
  sha: string;
  dockerfile: string;
  /** Command by process type. */
  procfile: Record<string, string>;
}

export interface ReleaseSnapshot {
  version: number;
  summary: string;
  /** RFC 3339. */
  created: string;
  build: BuildSnapshot | null;
  config: ConfigContent;
}

export interface DomainSnapshot {
  host: string;
  /** Name of the certificate on it; null: none. */
  certificate: string | null;
}

export interface CertificateSnapshot {
  name: string;
  /** PEM, with its chain. */
  certificate: string;
  /** PEM. */
  key: string;
}

/** A Service of one process type. */
export interface ServiceSnapshot {
  type: string;
  pathPattern: string;
}

/** All that decides what the cluster shall show of one app, read in one go. */
export interface AppSnapshot {
  uuid: string;
  /** The app's id: its namespace. */
  id: string;
  owner: string;
  generation: number;
  /** The release to bring. */
  release: ReleaseSnapshot;
  /** Sorted by type; empty without a build. */
  processes: ProcessSnapshot[];
  settings: {
    maintenance: boolean;
    routable: boolean;
    /** Addresses and networks that may come in; empty: all. */
    whitelist: string[];
    /** By process type, also of types that the app doesn't have. */
    autoscale: Record<string, Autoscale>;
  };
  tls: { httpsEnforced: boolean | null; certsAutoEnabled: boolean | null };
  /** Sorted by host name. */
  domains: DomainSnapshot[];
  /** Those on the domains, each once, sorted by name. */
  certificates: CertificateSnapshot[];
  /** Sorted by type. */
  services: ServiceSnapshot[];
  /** What manifest sources read themselves, by the source. */
  facts: ReadonlyMap<object, unknown>;
  /** Nodes that match the app's tags: the default number of pods replaced at a time. At least 1. */
  matchingNodes: number;
  /** Id of this Keelson's database, stamped on everything it makes. */
  installation: string;
}
