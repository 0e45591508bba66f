import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { createHmac, createSecretKey, randomUUID, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import { AppAccesses } from '../apps/app-accesses.ts';
import { Unauthorized } from '../http/errors.ts';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';
import type { GuardedRequest } from './current.ts';
import type { TokenClaims } from './token-signer.ts';

/** Finds the user of a token, and how he stands to the app that the request is about. One SELECT. */
@Injectable()
export class TokenStrategy extends PassportStrategy(Strategy, 'token') {
  constructor(
    settings: Settings,
    private readonly accesses: AppAccesses,
  ) {
    const keys = new Map<string, KeyObject>();
    super({
      passReqToCallback: true,
      jwtFromRequest: ({ headers }: IncomingMessage) => tokenOf(headers.authorization),
      algorithms: ['HS256'],
      secretOrKeyProvider: (_request, token: string, done) => {
        const secret = keyOf(token, settings);
        // of a string the library would make a key with each request
        const key = keys.get(secret) ?? createSecretKey(secret, 'utf8');
        keys.set(secret, key);
        // its types know no KeyObject, which it hands on
        done(null, key as unknown as Buffer);
      },
    });
    // Passport's register of strategies is the process'; every Keelson in it has secrets and users of its own.
    this.name = `token-${randomUUID()}`;
    passport.use(this);
  }

  /** @throws Unauthorized unless the token is of the user's present version and the user active */
  async validate(request: GuardedRequest, { sub, ver, uid }: TokenClaims): Promise<User> {
    const appId = request.appInQuestion ?? null;
    const standing = await this.accesses.standing(Number(sub), appId);
    const user = standing?.user;
    if (uid !== undefined && user?.uuid !== uid) throw new Unauthorized('Invalid token.');
    if (user && !user.isActive) throw new Unauthorized('User inactive or deleted.');
    if (user?.tokenVersion !== ver) throw new Unauthorized('Invalid token.');
    if (appId !== null) request.currentAccess = standing?.access ?? null;
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
