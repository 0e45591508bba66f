import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { StructureLedger } from '../apps/structure-ledger.ts';
import { AppAccesses } from '../apps/app-accesses.ts';
import { AppLog } from '../logs/app-log.ts';
import { ReleaseLedger } from '../releases/release-ledger.ts';
import { AppDestroyer } from './app-destroyer.ts';
import { Changes } from './changes.ts';
import { ClusterFacts } from './cluster-facts.ts';
import { FaultPoints } from './fault-points.ts';
import { MANIFEST_SOURCES, ManifestSource } from './manifest-source.ts';
import { Notifications } from './notifications.ts';
import { OperationMetrics } from './operation-metrics.ts';
import { OperationOutcomes } from './operation-outcomes.ts';
import { OperationQueue } from './operation-queue.ts';
import { OperationWorker } from './operation-worker.ts';
import { OperationsController } from './operations.controller.ts';
import { OperationsService } from './operations.service.ts';
import { OutcomeRecorder } from './outcome-recorder.ts';
import { Reconciler } from './reconciler.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { Submissions } from './submissions.ts';
import { WorkSlots } from './work-slots.ts';

/** The deploy engine, and the books that it keeps with the features. */
@Module({})
export class DeployModule {
  /** @param sources what each feature wants in the cluster; a module adds its own to this list */
  static with(sources: Type<ManifestSource>[]): DynamicModule {
    return {
      module: DeployModule,
      global: true,
      controllers: [OperationsController],
      providers: [
        ...sources,
        { provide: MANIFEST_SOURCES, useFactory: (...made: ManifestSource[]) => made, inject: sources },
        AppAccesses,
        AppDestroyer,
        AppLog,
        Changes,
        ClusterFacts,
        FaultPoints,
        Notifications,
        OperationMetrics,
        OperationOutcomes,
        OperationQueue,
        OperationWorker,
        OperationsService,
        OutcomeRecorder,
        Reconciler,
        ReleaseLedger,
        SnapshotReader,
        StructureLedger,
        Submissions,
        WorkSlots,
      ],
      exports: [
        AppAccesses,
        AppLog,
        Changes,
        Notifications,
        OperationOutcomes,
        OperationQueue,
        ReleaseLedger,
        SnapshotReader,
        StructureLedger,
        Submissions,
        MANIFEST_SOURCES,
      ],
    };
  }
}
