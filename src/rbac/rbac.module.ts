import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.ts';
import { UsersModule } from '../users/users.module.ts';
import { AccountsController } from './accounts.controller.ts';
import { AccountsService } from './accounts.service.ts';
import { AclsController } from './acls.controller.ts';
import { AclsService } from './acls.service.ts';
import { GroupsController } from './groups.controller.ts';
import { GroupsService } from './groups.service.ts';
import { ProductsController } from './products.controller.ts';
import { ProductsService } from './products.service.ts';
import { RbacChanges } from './rbac-changes.ts';
import { RolesController } from './roles.controller.ts';
import { RolesService } from './roles.service.ts';

/** The user API, beside `/v2`: who has which roles, products, groups and ACLs. */
@Module({
  imports: [AuthModule, UsersModule],
  controllers: [AccountsController, AclsController, GroupsController, ProductsController, RolesController],
  providers: [AccountsService, AclsService, GroupsService, ProductsService, RbacChanges, RolesService],
})
export class RbacModule {}
