import { stopTestDatabase } from './database.ts';

export default async function globalTeardown(): Promise<void> {
  await stopTestDatabase();
}
