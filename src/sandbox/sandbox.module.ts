import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { Sandbox } from './sandbox.ts';

/** Ends the sandbox with the process that it lives in, after everything that talks to it. */
class SandboxLifetime implements OnApplicationShutdown {
  constructor(private readonly sandbox: Sandbox) {}

  async onApplicationShutdown(): Promise<void> {
    await this.sandbox.stop();
  }
}

/** The embedded cluster, inside the process. */
@Module({})
export class SandboxModule {
  static with(sandbox: Sandbox): DynamicModule {
    return { module: SandboxModule, providers: [{ provide: SandboxLifetime, useFactory: () => new SandboxLifetime(sandbox) }] };
  }
}
