import { ApiProperty } from '@nestjs/swagger';

export class PermsResponse {
  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Usernames of the collaborators, in order. The owner is none.' })
  users!: string[];
}

export const permsExample: PermsResponse = { users: ['bob', 'carol'] };
