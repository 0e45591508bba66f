import { Module } from '@nestjs/common';
import { PodsModule } from '../pods/pods.module.ts';
import { AuthModule } from '../auth/auth.module.ts';
import { AppLogTail } from './app-log-tail.ts';
import { LogFollowing } from './log-following.ts';
import { LogReader } from './log-reader.ts';
import { LogsController } from './logs.controller.ts';
import { LogsService } from './logs.service.ts';

@Module({
  imports: [AuthModule, PodsModule],
  controllers: [LogsController],
  providers: [AppLogTail, LogFollowing, LogReader, LogsService],
})
export class LogsModule {}
