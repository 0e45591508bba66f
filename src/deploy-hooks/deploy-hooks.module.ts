import { Global, Module } from '@nestjs/common';
import { DeployHookQueue } from './deploy-hook-queue.ts';
import { DeployHookWorker } from './deploy-hook-worker.ts';

/** Global because the ledger of the releases fills the queue. */
@Global()
@Module({ providers: [DeployHookQueue, DeployHookWorker], exports: [DeployHookQueue] })
export class DeployHooksModule {}
