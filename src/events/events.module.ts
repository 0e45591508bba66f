import { Global, Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.ts';
import { AppEvents } from './app-events.ts';
import { EventFeeds } from './event-feeds.ts';
import { EventsController } from './events.controller.ts';
import { EventsService } from './events.service.ts';

/** What happens to apps, told to those who follow them. Global because whatever changes an app tells of it. */
@Global()
@Module({
  imports: [AuthModule],
  controllers: [EventsController],
  providers: [AppEvents, EventFeeds, EventsService],
  exports: [AppEvents],
})
export class EventsModule {}
