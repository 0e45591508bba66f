import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { ClsModule } from 'nestjs-cls';
import type { Logger } from 'pino';
import { BodyInterceptor } from './body.ts';
import { ErrorFilter } from './error.filter.ts';
import { Streams } from './event-stream.ts';
import { FieldsPipe } from './fields.pipe.ts';
import { HealthController } from './health.controller.ts';
import { Listener } from './listener.ts';
import { LOGGER } from './logger.ts';
import { Readiness } from './readiness.ts';
import { RootController } from './root.controller.ts';
import { RouteTable } from './route-table.ts';
import { SubmittedInterceptor } from './submitted.interceptor.ts';

/** What every route shares. */
@Module({})
export class HttpModule {
  static with(routes: RouteTable, logger: Logger): DynamicModule {
    return {
      module: HttpModule,
      global: true,
      imports: [ClsModule.forRoot({ global: true })],
      controllers: [HealthController, RootController],
      providers: [
        { provide: RouteTable, useValue: routes },
        { provide: LOGGER, useValue: logger },
        { provide: APP_FILTER, useClass: ErrorFilter },
        { provide: APP_INTERCEPTOR, useClass: BodyInterceptor },
        { provide: APP_INTERCEPTOR, useClass: SubmittedInterceptor },
        { provide: APP_PIPE, useClass: FieldsPipe },
        Listener,
        Readiness,
        Streams,
      ],
      exports: [Listener, LOGGER, Readiness, RouteTable, Streams],
    };
  }
}
