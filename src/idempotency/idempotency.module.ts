import { Global, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { IdempotencyInterceptor } from './idempotency.interceptor.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { KeptAnswers } from './kept-answers.ts';

/** `Idempotency-Key`: a POST that is repeated isn't carried out again. Its interceptor comes after those of HttpModule. */
@Global()
@Module({
  providers: [IdempotencyKeys, KeptAnswers, { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor }],
  exports: [IdempotencyKeys],
})
export class IdempotencyModule {}
