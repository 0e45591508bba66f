import type { EntityManager } from 'typeorm';
import { NotFound } from '../http/errors.ts';
import { AppSettings } from './app-settings.entity.ts';

/**
 * The settings that hold: the row of the highest generation, with who made it.
 * @throws NotFound when the app is gone: it has settings from its first moment on
 */
export async function newestSettings(manager: EntityManager, appUuid: string): Promise<AppSettings> {
  const settings = await manager
    .createQueryBuilder(AppSettings, 'settings')
    .innerJoinAndSelect('settings.owner', 'owner')
    .where('settings.appUuid = :appUuid', { appUuid })
    .orderBy('settings.generation', 'DESC')
    .limit(1)
    .getOne();
  if (!settings) throw NotFound.of('App');
  return settings;
}
