import { Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AppsModule } from '../apps/apps.module.ts';
import { UsersModule } from '../users/users.module.ts';
import { AccessGuard } from './access.guard.ts';
import { AttemptCounts } from './attempt-counts.ts';
import { AttemptLimits } from './attempt-limits.ts';
import { AuthController } from './auth.controller.ts';
import { AuthService } from './auth.service.ts';
import { FirstAdministrator } from './first-administrator.ts';
import { LastingAccess } from './lasting-access.ts';
import { RuleCheck } from './rule-check.ts';
import { TokenGuard } from './token.guard.ts';
import { TokenSigner } from './token-signer.ts';
import { TokenStrategy } from './token.strategy.ts';

@Module({
  imports: [DiscoveryModule, JwtModule.register({}), AppsModule, UsersModule],
  controllers: [AuthController],
  providers: [
    AttemptCounts,
    AttemptLimits,
    AuthService,
    FirstAdministrator,
    LastingAccess,
    RuleCheck,
    TokenSigner,
    TokenStrategy,
    // In this order: who calls, then whether he may.
    { provide: APP_GUARD, useClass: TokenGuard },
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AuthService, LastingAccess],
})
export class AuthModule {}
