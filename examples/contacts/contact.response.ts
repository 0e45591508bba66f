import { ApiProperty } from '@nestjs/swagger';
import { isoMillis } from '../../src/http/times.ts';
import type { Contact } from './contact.entity.ts';

export class ContactResponse {
  @ApiProperty({ type: 'string', description: 'Id of the app.' })
  app!: string;

  @ApiProperty({ type: 'string', description: 'What the contact is for.' })
  role!: string;

  @ApiProperty({ type: 'string', nullable: true })
  email!: string | null;

  @ApiProperty({ type: 'string', nullable: true })
  phone!: string | null;

  @ApiProperty({ format: 'date-time' })
  created!: string;

  @ApiProperty({ format: 'date-time' })
  updated!: string;
}

/** @param app its id */
export function contactResponse(app: string, { role, email, phone, created, updated }: Contact): ContactResponse {
  return { app, role, email, phone, created: isoMillis(created), updated: isoMillis(updated) };
}

export const contactExample: ContactResponse = {
  app: 'peachy-waxworks',
  role: 'on-call',
  email: 'on-call@example.com',
  phone: null,
  created: '2026-01-15T09:30:00.000Z',
  updated: '2026-01-15T09:30:00.000Z',
};
