import { KubeConfig } from '@kubernetes/client-node';
import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Readiness } from '../http/readiness.ts';
import { Metrics } from '../metrics/metrics.ts';
import { Cluster } from './cluster.ts';
import { ClusterCache } from './cluster-cache.ts';
import { ClusterMetrics } from './cluster-metrics.ts';
import { kubeConfigFor, type ClusterAddress } from './kube-config.ts';
import { KubernetesCluster } from './kubernetes-cluster.ts';
import type { ObjectKind } from './object-kind.ts';

/** Starts the cache with the process and ends it with it; requests are taken once it fills. */
class CacheLifetime implements OnApplicationShutdown {
  constructor(
    private readonly cache: ClusterCache,
    readiness: Readiness,
    metrics: ClusterMetrics,
  ) {
    metrics.cached(() => cache.ages());
    readiness.add({
      name: 'cluster cache',
      check: () =>
        cache.answered() ? Promise.resolve() : Promise.reject(new Error(`the cluster has not been seen yet: ${cache.missing()}`)),
    });
    cache.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.cache.stop();
  }
}

/** The cluster, for whoever drives it or reads from it. */
@Module({})
export class KubernetesModule {
  /** @param kinds to be watched beside those that Keelson makes itself */
  static at(address: ClusterAddress, kinds: readonly ObjectKind[]): DynamicModule {
    return {
      module: KubernetesModule,
      global: true,
      providers: [
        { provide: KubeConfig, useFactory: () => kubeConfigFor(address) },
        { provide: ClusterMetrics, useFactory: (metrics: Metrics) => new ClusterMetrics(metrics), inject: [Metrics] },
        {
          provide: KubernetesCluster,
          useFactory: (config: KubeConfig, metrics: ClusterMetrics) => new KubernetesCluster(config, metrics),
          inject: [KubeConfig, ClusterMetrics],
        },
        { provide: Cluster, useExisting: KubernetesCluster },
        {
          provide: ClusterCache,
          useFactory: (config: KubeConfig, cluster: KubernetesCluster) => new ClusterCache(config, cluster, kinds),
          inject: [KubeConfig, KubernetesCluster],
        },
        {
          provide: CacheLifetime,
          useFactory: (cache: ClusterCache, readiness: Readiness, metrics: ClusterMetrics) => new CacheLifetime(cache, readiness, metrics),
          inject: [ClusterCache, Readiness, ClusterMetrics],
        },
      ],
      exports: [Cluster, ClusterCache],
    };
  }
}
