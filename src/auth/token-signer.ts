import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';

/**
 * What a token says besides its times: who (`sub`, the user's id) and the version it holds for. An id may be given anew after a backup was
 * restored, a uuid isn't: tokens of who came after the backup are nobody's. Tokens from before there was `uid` have none.
 */
export interface TokenClaims {
  sub: string;
  ver: number;
  uid?: string;
}

@Injectable()
export class TokenSigner {
  constructor(
    private readonly jwt: JwtService,
    private readonly settings: Settings,
  ) {}

  /** A new token for a user. No two are alike. */
  sign({ id, uuid, tokenVersion }: User): Promise<string> {
    const { secretKey, tokenTtl } = this.settings;
    return this.jwt.signAsync(
      { ver: tokenVersion, uid: uuid },
      {
        algorithm: 'HS256',
        secret: secretKey,
        subject: String(id),
        jwtid: randomUUID(),
        ...(tokenTtl === 0 ? {} : { expiresIn: tokenTtl }),
      },
    );
  }
}
