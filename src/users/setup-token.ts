import { Inject, Injectable } from '@nestjs/common';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import type { EntityManager } from 'typeorm';
import { Forbidden } from '../http/errors.ts';
import { LOGGER } from '../http/logger.ts';
import { Settings } from '../settings/settings.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * What somebody shows who registers while there is no superuser: beside DATABASE_URL a stranger shall not own the platform by being first.
 * It is the setting SETUP_TOKEN, or one that is made at a start, of which the database has the hash until somebody used it.
 */
@Injectable()
export class SetupToken {
  constructor(
    private readonly settings: Settings,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Whether the first registration has to show it. */
  get isNeeded(): boolean {
    return !this.settings.embeddedDatabase;
  }

  /**
   * What the log is to say once the transaction is committed: where the token is. Makes it where there is none. Under the
   * `AdministrationLock`, while there is no superuser. The token itself is told once, to the process that made it.
   */
  async prepare(tx: EntityManager): Promise<string> {
    const { setupToken, keysSecret, ownNamespace, registrationMode } = this.settings;
    if (registrationMode === 'disabled') return 'and registration is disabled. Set FIRST_ADMIN_USERNAME and FIRST_ADMIN_PASSWORD.';
    const who = 'and who registers with the set-up token becomes one';
    if (setupToken !== undefined) {
      const place = keysSecret === undefined ? 'the setting SETUP_TOKEN' : `SETUP_TOKEN in the Secret ${ownNamespace ?? ''}/${keysSecret}`;
      return `${who}. The token is ${place}.`;
    }
    const [made] = await tx.query<{ made: Date }[]>('SELECT made FROM setup_tokens');
    if (made)
      return `${who}. A process that started at ${made.made.toISOString()} has logged the token. If that log is gone, set SETUP_TOKEN.`;
    const token = randomBytes(24).toString('hex');
    await tx.query('INSERT INTO setup_tokens (hash) VALUES ($1)', [digest(token).toString('hex')]);
    return `${who}, once. Send it as setup_token, or in the header X-Setup-Token: ${token}`;
  }

  announce(words: string): void {
    this.logger.warn(`There is no administrator yet, ${words}`);
  }

  /** @throws Forbidden, in words that say where the token is, unless it is the one */
  async assertShown(tx: EntityManager, shown: string | undefined): Promise<void> {
    const { setupToken } = this.settings;
    const [made] = setupToken === undefined ? await tx.query<{ hash: string }[]>('SELECT hash FROM setup_tokens') : [];
    const wanted = setupToken === undefined ? made && Buffer.from(made.hash, 'hex') : digest(setupToken);
    if (shown !== undefined && wanted && timingSafeEqual(digest(shown), wanted)) return;
    const place =
      setupToken === undefined ? 'the log of its first start has it' : 'it is in the Secret or setting SETUP_TOKEN of this Keelson';
    throw new Forbidden(
      `There is no administrator yet: the first to register must send the set-up token, as setup_token or in the header X-Setup-Token; ${place}. ` +
        'Or whoever runs Keelson sets FIRST_ADMIN_USERNAME and FIRST_ADMIN_PASSWORD.',
    );
  }

  /** It was used. */
  async forget(tx: EntityManager): Promise<void> {
    await tx.query('DELETE FROM setup_tokens');
  }
}
