import { Module } from '@nestjs/common';
import { AdministrationLock } from './administration-lock.ts';
import { AdministratorsController } from './administrators.controller.ts';
import { SetupToken } from './setup-token.ts';
import { UsersController } from './users.controller.ts';
import { UsersService } from './users.service.ts';

@Module({
  controllers: [AdministratorsController, UsersController],
  providers: [AdministrationLock, SetupToken, UsersService],
  exports: [AdministrationLock, UsersService],
})
export class UsersModule {}
