import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { AccessModule } from './access/access.module.ts';
import { AppSettingsModule } from './app-settings/app-settings.module.ts';
import { AutoscalerManifests } from './app-settings/autoscalers.manifests.ts';
import { AppsModule } from './apps/apps.module.ts';
import { NamespaceManifests } from './apps/namespace.manifests.ts';
import { NetworkPolicyManifests } from './apps/network-policy.manifests.ts';
import { RoleBindingManifests } from './apps/role-binding.manifests.ts';
import { ServiceManifests } from './apps/service.manifests.ts';
import { AuditModule } from './audit/audit.module.ts';
import { AuthModule } from './auth/auth.module.ts';
import { BuildsModule } from './builds/builds.module.ts';
import { DeploymentManifests } from './builds/deployments.manifests.ts';
import { CertsModule } from './certs/certs.module.ts';
import { TlsSecretManifests } from './certs/tls-secrets.manifests.ts';
import { ConfigModule } from './config/config.module.ts';
import { SecretManifests } from './config/secrets.manifests.ts';
import { DatabaseModule } from './database/database.module.ts';
import { DeployModule } from './deploy/deploy.module.ts';
import { DeployHooksModule } from './deploy-hooks/deploy-hooks.module.ts';
import { DomainsModule } from './domains/domains.module.ts';
import { IngressManifests } from './domains/ingress.manifests.ts';
import { DriftModule } from './drift/drift.module.ts';
import { EventsModule } from './events/events.module.ts';
import type { Extension } from './extension.ts';
import { HooksModule } from './hooks/hooks.module.ts';
import { HttpModule } from './http/http.module.ts';
import { IdempotencyModule } from './idempotency/idempotency.module.ts';
import type { RouteTable } from './http/route-table.ts';
import { KeysModule } from './keys/keys.module.ts';
import type { ClusterAddress } from './kubernetes/kube-config.ts';
import { KubernetesModule } from './kubernetes/kubernetes.module.ts';
import { LogsModule } from './logs/logs.module.ts';
import type { Metrics } from './metrics/metrics.ts';
import { MetricsModule } from './metrics/metrics.module.ts';
import { PermsModule } from './perms/perms.module.ts';
import { PodsModule } from './pods/pods.module.ts';
import { RbacModule } from './rbac/rbac.module.ts';
import { ReleasesModule } from './releases/releases.module.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import { SandboxModule } from './sandbox/sandbox.module.ts';
import { ServicesModule } from './services/services.module.ts';
import { TypeServiceManifests } from './services/services.manifests.ts';
import type { Settings } from './settings/settings.ts';
import { SettingsModule } from './settings/settings.module.ts';
import { CertificateManifests } from './tls/certificates.manifests.ts';
import { TlsModule } from './tls/tls.module.ts';
import { UsersModule } from './users/users.module.ts';

/** What the features want in the cluster. */
export const MANIFESTS = [
  NamespaceManifests,
  SecretManifests,
  DeploymentManifests,
  ServiceManifests,
  TlsSecretManifests,
  IngressManifests,
  AutoscalerManifests,
  TypeServiceManifests,
  CertificateManifests,
  NetworkPolicyManifests,
  // last: what is pruned is pruned in this order, and the right to Secrets after them
  RoleBindingManifests,
];

/** All of Keelson. */
@Module({})
export class AppModule {
  /** @param sandbox the embedded cluster, whose life ends with the application's; null beside a real one */
  static with(
    settings: Settings,
    routes: RouteTable,
    logger: Logger,
    metrics: Metrics,
    cluster: ClusterAddress,
    sandbox: Sandbox | null,
    extensions: readonly Extension[],
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.with(settings),
        MetricsModule.with(metrics),
        HttpModule.with(routes, logger),
        DatabaseModule.with(extensions),
        IdempotencyModule,
        KubernetesModule.at(
          cluster,
          extensions.flatMap(({ kinds }) => kinds),
        ),
        ...(sandbox ? [SandboxModule.with(sandbox)] : []),
        DeployModule.with([...extensions.flatMap(({ manifests }) => manifests), ...MANIFESTS]),
        DeployHooksModule,
        EventsModule,
        AuditModule,
        AuthModule,
        AccessModule,
        AppsModule,
        AppSettingsModule,
        BuildsModule,
        CertsModule,
        ConfigModule,
        DomainsModule,
        DriftModule,
        ReleasesModule,
        LogsModule,
        PermsModule,
        PodsModule,
        RbacModule,
        ServicesModule,
        TlsModule,
        UsersModule,
        KeysModule,
        HooksModule,
        ...extensions.flatMap(({ modules }) => modules),
      ],
    };
  }
}
