import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { Key } from '../keys/key.entity.ts';
import { keyExample } from '../keys/key.response.ts';

export class UserKeyResponse {
  @ApiProperty({ type: 'string', description: 'The whole text, with its comment.' })
  key!: string;

  @ApiProperty({ type: 'string', description: 'MD5, as hex pairs joined by colons.' })
  fingerprint!: string;
}

/** Keys by username, each user's oldest first. */
export type UserKeysResponse = Record<string, UserKeyResponse[]>;

export function userKeysResponse(keys: Record<string, Pick<Key, 'public' | 'fingerprint'>[]>): UserKeysResponse {
  const shown = Object.entries(keys).map(([username, own]) => [
    username,
    own.map((key) => ({ key: key.public, fingerprint: key.fingerprint })),
  ]);
  return Object.fromEntries(shown) as UserKeysResponse;
}

/** The answer of a route that gives `UserKeysResponse`. */
export const userKeysAnswer = {
  description: 'Keys by username.',
  model: UserKeyResponse,
  content: {
    'application/json': {
      schema: { type: 'object', additionalProperties: { type: 'array', items: { $ref: getSchemaPath(UserKeyResponse) } } },
      example: { ada: [{ key: keyExample.public, fingerprint: keyExample.fingerprint }] } satisfies UserKeysResponse,
    },
  },
};
