import { ApiProperty } from '@nestjs/swagger';
import { isoMillis } from '../http/times.ts';
import type { User } from './user.entity.ts';

/** A user as `/v2` shows one. */
export class UserResponse {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ type: 'string', format: 'date-time' })
  last_login!: string;

  @ApiProperty({ type: 'boolean', description: 'Whether the user administers the platform.' })
  is_superuser!: boolean;

  @ApiProperty({ type: 'string' })
  username!: string;

  @ApiProperty({ type: 'string' })
  first_name!: string;

  @ApiProperty({ type: 'string' })
  last_name!: string;

  @ApiProperty({ type: 'string' })
  email!: string;

  @ApiProperty({ type: 'boolean' })
  is_staff!: boolean;

  @ApiProperty({ type: 'boolean', description: 'Whether the user can log in.' })
  is_active!: boolean;

  @ApiProperty({ type: 'string', format: 'date-time' })
  date_joined!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' }, maxItems: 0, description: 'Always empty.' })
  groups!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' }, maxItems: 0, description: 'Always empty.' })
  user_permissions!: string[];
}

export function userResponse(user: User): UserResponse {
  return {
    id: user.id,
    last_login: isoMillis(user.lastLogin),
    is_superuser: user.isSuperuser,
    username: user.username,
    first_name: user.firstName,
    last_name: user.lastName,
    email: user.email,
    is_staff: user.isSuperuser,
    is_active: user.isActive,
    date_joined: isoMillis(user.dateJoined),
    groups: [],
    user_permissions: [],
  };
}

export const userExample: UserResponse = {
  id: 1,
  last_login: '2026-01-15T09:30:00.601Z',
  is_superuser: true,
  username: 'ada',
  first_name: 'Ada',
  last_name: '',
  email: 'ada@example.com',
  is_staff: true,
  is_active: true,
  date_joined: '2026-01-15T09:30:00.601Z',
  groups: [],
  user_permissions: [],
};
