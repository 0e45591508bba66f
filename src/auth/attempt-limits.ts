import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { ClsService } from 'nestjs-cls';
import { AuditTrail } from '../audit/audit-trail.ts';
import { TooManyRequests } from '../http/errors.ts';
import { LOGGER } from '../http/logger.ts';
import { Settings } from '../settings/settings.ts';
import type { User } from '../users/user.entity.ts';
import { UsersService } from '../users/users.service.ts';
import { addressKey } from './address-key.ts';
import { AttemptCounts, type Count, type Counter } from './attempt-counts.ts';
import type { GuardedRequest } from './current.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** Seconds that wrong passwords count. */
const WINDOW = 15 * MINUTE;
/** From all addresses together, an account takes so many times as many wrong passwords in an hour as from one in a quarter of it. */
const EVERYWHERE = 10;
/** Seconds that an address is known from which somebody gave an account's password. */
const KNOWN = 30 * 24 * HOUR;

/** What is limited, in a word for the audit log. */
interface Limit extends Counter {
  of: 'account' | 'account-everywhere' | 'address' | 'registrations';
}

/** The limits of tries at one password. */
interface PasswordLimits {
  /** Of an account from one address; undefined: there is none. */
  account: Limit | undefined;
  all: Limit[];
  /** Key of the mark that the address is known. */
  known: string;
}

/**
 * Limits how often passwords are tried and users registered. Who is beyond a limit has to wait, whatever he sends then. Nobody can keep
 * others from their accounts for good: wrong passwords from one address count for that address alone, and the count of those from
 * everywhere doesn't hold for addresses from which the right password came in the last 30 days.
 */
@Injectable()
export class AttemptLimits {
  constructor(
    private readonly counts: AttemptCounts,
    private readonly users: UsersService,
    private readonly audit: AuditTrail,
    private readonly settings: Settings,
    private readonly cls: ClsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Has a password tried that is said to be an account's. It costs the same few statements whether there is such an account or not.
   * Of tries that come at the same time, too, no more are told to be wrong than the limit.
   * @param verify says whether it is right
   * @returns what `verify` does
   * @throws TooManyRequests
   */
  async password<T>(username: string, verify: () => Promise<T | null>): Promise<T | null> {
    const { account, all, known } = this.limitsOf(username);
    if (all.length === 0) return verify();
    const keys = [...all.map(({ key }) => key), known];
    const holding = (counts: Map<string, Count>): Limit[] => all.filter(({ of }) => of !== 'account-everywhere' || !counts.has(known));
    const before = await this.counts.read(keys);
    await this.assertBelow(holding(before), before, username);
    const result = await verify();
    if (result === null) {
      const after = await this.counts.add(all);
      const beyond = holding(before).filter(({ key, limit }) => (after.get(key)?.count ?? 0) > limit);
      if (beyond.length > 0) await this.refuse(beyond, after, username, isFirstBeyond);
      this.tell(holding(before), after);
      return null;
    }
    // those that came at the same time may have been wrong
    const after = await this.counts.read(keys);
    await this.assertBelow(holding(after), after, username);
    if (account) {
      await this.counts.clear(account.key, known, KNOWN);
      after.delete(account.key);
    }
    this.tell(holding(after), after);
    return result;
  }

  /** Counts that somebody registers, but for administrators. @param caller null: nobody @throws TooManyRequests */
  async registration(caller: User | null): Promise<void> {
    const limit = this.settings.registrationsPerAddress;
    if (limit === 0 || caller?.isSuperuser) return;
    const counter: Limit = { of: 'registrations', key: this.counts.key('registration', this.address()), limit, window: HOUR };
    const counts = await this.counts.add([counter]);
    if ((counts.get(counter.key)?.count ?? 0) > limit) await this.refuse([counter], counts, null, isFirstBeyond);
    this.tell([counter], counts);
  }

  private limitsOf(username: string): PasswordLimits {
    const { loginFailuresPerAccount: perAccount, loginFailuresPerAddress: perAddress } = this.settings;
    const address = this.address();
    const key = (...about: string[]): string => this.counts.key('password', ...about);
    const account: Limit | undefined =
      perAccount > 0 ? { of: 'account', key: key('account', username, address), limit: perAccount, window: WINDOW } : undefined;
    const all: Limit[] = [];
    if (account) {
      all.push(account, { of: 'account-everywhere', key: key('everywhere', username), limit: EVERYWHERE * perAccount, window: HOUR });
    }
    if (perAddress > 0) all.push({ of: 'address', key: key('address', address), limit: perAddress, window: WINDOW });
    return { account, all, known: key('known', username, address) };
  }

  private async assertBelow(limits: readonly Limit[], counts: Map<string, Count>, username: string): Promise<void> {
    const reached = limits.filter(({ key, limit }) => (counts.get(key)?.count ?? 0) >= limit);
    const isFirst = (limit: Limit, count: number): Promise<boolean> | boolean => count === limit.limit && this.counts.addRefusal(limit);
    if (reached.length > 0) await this.refuse(reached, counts, username, isFirst);
  }

  /**
   * @param reached the limits that keep this try from being one
   * @param isFirst whether this is the first refusal by a limit in its window: the audit log is told of that one, however many there are
   * @throws TooManyRequests
   */
  private async refuse(
    reached: readonly Limit[],
    counts: Map<string, Count>,
    username: string | null,
    isFirst: (limit: Limit, count: number) => Promise<boolean> | boolean,
  ): Promise<never> {
    const left = ({ key }: Limit): Count => counts.get(key) ?? { count: 0, seconds: 1 };
    const [longest] = [...reached].sort((a, b) => left(b).seconds - left(a).seconds) as [Limit];
    const { count, seconds } = left(longest);
    if (await isFirst(longest, count)) await this.record(longest, seconds, username);
    this.tell([longest], counts);
    throw new TooManyRequests(`Too many attempts. Try again in ${String(seconds)} s.`, seconds);
  }

  private async record({ of, limit }: Limit, seconds: number, username: string | null): Promise<void> {
    const { ip, headers } = this.request();
    // a name that nobody has is not kept: it may be a password that was typed into the wrong field
    const known = username !== null && of !== 'address' && (await this.users.exists(username));
    await this.audit.refused({ object: known ? `user:${username}` : null, after: { limit: of, count: limit, seconds } });
    const proxied = headers['x-forwarded-for'] !== undefined && this.settings.trustProxy === false;
    const hint = proxied ? '; it has X-Forwarded-For, which TRUST_PROXY does not trust: all callers behind a proxy count as one' : '';
    this.logger.warn({ limit: of, address: ip, seconds }, `too many attempts${hint}`);
  }

  /** Tells the caller about the limit that is nearest, in the header fields of draft-ietf-httpapi-ratelimit-headers-06. */
  private tell(limits: readonly Limit[], counts: Map<string, Count>): void {
    const [nearest] = limits
      .map(({ key, limit, window }) => {
        const { count, seconds } = counts.get(key) ?? { count: 0, seconds: window };
        return { limit, seconds, remaining: Math.max(0, limit - count) };
      })
      .sort((a, b) => a.remaining - b.remaining);
    if (!nearest) return;
    const { limit, remaining, seconds } = nearest;
    this.cls
      .get<FastifyReply>('reply')
      .headers({ 'RateLimit-Limit': String(limit), 'RateLimit-Remaining': String(remaining), 'RateLimit-Reset': String(seconds) });
  }

  private address(): string {
    return addressKey(this.request().ip);
  }

  private request(): GuardedRequest {
    return this.cls.get<GuardedRequest>('request');
  }
}

/** Of tries that are counted before they are refused. */
const isFirstBeyond = ({ limit }: Limit, count: number): boolean => count === limit + 1;
