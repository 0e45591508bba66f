import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Settings } from '../settings/settings.ts';
import { UsersService } from '../users/users.service.ts';
import { hashPassword } from './passwords.ts';

/** Before requests are taken: adds the administrator of the settings where there is no user, or says how to become the first one. */
@Injectable()
export class FirstAdministrator implements OnApplicationBootstrap {
  constructor(
    private readonly users: UsersService,
    private readonly settings: Settings,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { firstAdminUsername: username, firstAdminPassword: password } = this.settings;
    if (!(await this.users.isAwaitingFirst())) return;
    const first = username === undefined || password === undefined ? null : { username, passwordHash: await hashPassword(password) };
    await this.users.begin(first && { ...first, email: '', firstName: '', lastName: '' });
  }
}
