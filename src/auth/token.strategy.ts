import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import { DataSource } from 'typeorm';
import { Unauthorized } from '../http/errors.ts';
import { Settings } from '../settings/settings.ts';
import { User } from '../users/user.entity.ts';
import type { TokenClaims } from './token-signer.ts';

/** Finds the user of a token. One SELECT. */
@Injectable()
export class TokenStrategy extends PassportStrategy(Strategy, 'token') {
  constructor(
    settings: Settings,
    private readonly database: DataSource,
  ) {
    super({
      jwtFromRequest: ({ headers }: IncomingMessage) => tokenOf(headers.authorization),
      algorithms: ['HS256'],
      secretOrKeyProvider: (_request, token: string, done) => {
        done(null, keyOf(token, settings));
      },
    });
    // Passport's register of strategies is the process'; every Keelson in it has secrets and users of its own.
    this.name = `token-${randomUUID()}`;
    passport.use(this);
  }

  /** @throws Unauthorized unless the token is of the user's present version and the user active */
  async validate({ sub, ver, uid }: TokenClaims): Promise<User> {
    const user = await this.database.getRepository(User).findOneBy({ id: Number(sub) });
    if (uid !== undefined && user?.uuid !== uid) throw new Unauthorized('Invalid token.');
    if (user && !user.isActive) throw new Unauthorized('User inactive or deleted.');
    if (user?.tokenVersion !== ver) throw new Unauthorized('Invalid token.');
    return user;
  }
}

/**
 * The token of an Authorization header, null without one of our schemes: `token` or `Bearer`, in any case.
 * @throws Unauthorized for a header with our scheme that isn't `<scheme> <token>`
 */
export function tokenOf(header: string | undefined): string | null {
  const [scheme = '', ...rest] = (header ?? '').split(' ');
  if (!/^(token|bearer)$/i.test(scheme)) return null;
  const [token = ''] = rest;
  if (rest.length > 1) throw new Unauthorized('Invalid token header. Token string should not contain spaces.');
  if (token === '') throw new Unauthorized('Invalid token header. No credentials provided.');
  return token;
}

/** While the secret is rotated, tokens signed with the previous one stay good. */
function keyOf(token: string, { secretKey, previousSecretKey }: Settings): string {
  return previousSecretKey !== undefined && isSignedWith(previousSecretKey, token) ? previousSecretKey : secretKey;
}

function isSignedWith(secret: string, token: string): boolean {
  const end = token.lastIndexOf('.');
  const expected = createHmac('sha256', secret)
    .update(token.slice(0, Math.max(end, 0)))
    .digest();
  const given = Buffer.from(token.slice(end + 1), 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
