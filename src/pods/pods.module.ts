import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.ts';
import { PodReader } from './pod-reader.ts';
import { PodsController } from './pods.controller.ts';
import { PodsService } from './pods.service.ts';
import { RunHolds } from './run-holds.ts';
import { RunJoins } from './run-joins.ts';
import { RunLedger } from './run-ledger.ts';
import { RunLimits } from './run-limits.ts';
import { RunPermit } from './run-permit.ts';
import { RunStream } from './run-stream.ts';
import { RunSweep } from './run-sweep.ts';
import { RunWatch } from './run-watch.ts';
import { RunsController } from './runs.controller.ts';
import { RunsService } from './runs.service.ts';

@Module({
  imports: [AuthModule],
  controllers: [PodsController, RunsController],
  providers: [PodReader, PodsService, RunHolds, RunJoins, RunLedger, RunLimits, RunPermit, RunStream, RunSweep, RunWatch, RunsService],
  exports: [PodReader],
})
export class PodsModule {}
