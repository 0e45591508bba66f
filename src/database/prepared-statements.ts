import pg from 'pg';

/** From this use of a statement on a connection on, it is a prepared one: one that is made up for the occasion is never sent again. */
const FIRST_PREPARED = 3;
/** So many statements are kept on a connection: the server holds the plan of each. */
const KEPT = 300;
/** What may be prepared. */
const PLANNED = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;

/** What was sent on one connection, so that what comes again need not be parsed and planned again. */
export class PreparedStatements {
  private readonly uses = new Map<string, number>();
  private readonly names = new Map<string, string>();
  private named = 0;

  /** @returns the name that the statement is prepared under; undefined for one that isn't */
  nameOf(text: string): string | undefined {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    if (this.names.size >= KEPT || !PLANNED.test(text)) return undefined;
    const uses = (this.uses.get(text) ?? 0) + 1;
    if (uses < FIRST_PREPARED) {
      if (this.uses.size >= KEPT) this.uses.clear();
      this.uses.set(text, uses);
      return undefined;
    }
    this.uses.delete(text);
    this.named += 1;
    const name = `keelson_${String(this.named)}`;
    this.names.set(text, name);
    return name;
  }

  /** After a statement failed: one whose columns a migration has changed since is prepared anew the next time. */
  failed(text: string, error: unknown): void {
    // the server has no code of its own for "cached plan must not change result type"
    if (error instanceof pg.DatabaseError && error.code === '0A000') this.names.delete(text);
  }
}
