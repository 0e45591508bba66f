import { Module } from '@nestjs/common';
import { DriftChecks } from './drift-checks.ts';
import { DriftDetector } from './drift-detector.ts';
import { DriftPass } from './drift-pass.ts';
import { DriftRecorder } from './drift-recorder.ts';
import { DriftController } from './drift.controller.ts';
import { DriftService } from './drift.service.ts';
import { HealingPolicy } from './healing-policy.ts';

/** What in the cluster isn't as recorded: finding it, telling of it, setting it right. */
@Module({
  controllers: [DriftController],
  providers: [DriftChecks, DriftDetector, DriftPass, DriftRecorder, DriftService, HealingPolicy],
})
export class DriftModule {}
