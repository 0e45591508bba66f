import type { EntityManager } from 'typeorm';
import { FieldFaults } from '../http/field-faults.ts';
import { Forbidden } from '../http/errors.ts';
import type { User } from '../users/user.entity.ts';
import { idOf, type IdLetter, uuidOf } from './ids.ts';
import type { Tag } from './role.entity.ts';
import { mayAdministerAccounts, mayAdministerAcls, mayAdministerProducts, mayGiveAcl, mayGiveProduct, mayGiveRole } from './standing.ts';

/** What users have by id, as the fields of the user API are called. */
export type Kind = 'role' | 'acl' | 'groups' | 'product';

/** Ids of what a user has, sorted. */
export type Holdings = Record<Kind, string[]>;

/** A thing that users can have, as a caller stands to it. */
interface Thing {
  kind: Kind;
  uuid: string;
  /** Of a role. */
  tag: Tag | null;
  /** Whether the caller is in its product. */
  is_in: boolean;
}

interface KindFacts {
  /** Its ids begin with it. */
  readonly letter: IdLetter;
  /** Who has which. */
  readonly table: string;
  readonly column: string;
  /** SQL: uuid, tag and product of those there are. */
  readonly things: string;
  /** Who may give any at all. */
  readonly mayGiveAny: (caller: User) => boolean;
  readonly mayGive: (caller: User, thing: Thing) => boolean;
}

const KINDS: Readonly<Record<Kind, KindFacts>> = {
  role: {
    letter: 'r',
    table: 'user_roles',
    column: 'role_uuid',
    things: 'SELECT uuid, tag, NULL::uuid AS product FROM roles',
    mayGiveAny: mayAdministerAccounts,
    mayGive: (caller, { tag }) => tag !== null && mayGiveRole(caller, tag),
  },
  acl: {
    letter: 'a',
    table: 'user_acls',
    column: 'acl_uuid',
    things: 'SELECT uuid, NULL::smallint, product_uuid FROM acls',
    mayGiveAny: mayAdministerAcls,
    mayGive: (caller, { is_in }) => mayGiveAcl(caller, is_in),
  },
  groups: {
    letter: 'g',
    table: 'user_groups',
    column: 'group_uuid',
    things: 'SELECT uuid, NULL::smallint, product_uuid FROM groups',
    mayGiveAny: mayAdministerProducts,
    mayGive: (caller, { is_in }) => mayGiveProduct(caller, is_in),
  },
  product: {
    letter: 'p',
    table: 'user_products',
    column: 'product_uuid',
    things: 'SELECT uuid, NULL::smallint, uuid FROM products',
    mayGiveAny: mayAdministerProducts,
    mayGive: (caller, { is_in }) => mayGiveProduct(caller, is_in),
  },
};

const kinds = Object.keys(KINDS) as Kind[];

/** An SQL expression: the `Holdings` of a user, as JSON. @param user SQL for his id */
export const holdingsOf = (user: string): string => {
  const lists = kinds.map((kind) => {
    const { letter, table, column } = KINDS[kind];
    const ids = `jsonb_agg('${letter}-' || replace(${column}::text, '-', '') ORDER BY ${column})`;
    return `'${kind}', (SELECT coalesce(${ids}, '[]') FROM ${table} WHERE user_id = ${user})`;
  });
  return `jsonb_build_object(${lists.join(', ')})`;
};

/** Ids of a kind that a user is given, and that are taken from him. */
export interface Move {
  kind: Kind;
  given: string[];
  taken: string[];
}

/**
 * What it takes to make a user's holdings what is wanted. At most one statement.
 * @param wanted a kind that is absent stays as it is
 * @throws Forbidden where the caller lacks the standing; InvalidFields with all ids that there are not
 */
export async function movesTo(tx: EntityManager, caller: User, held: Holdings, wanted: Partial<Holdings>): Promise<Move[]> {
  const moves = kinds.flatMap((kind): Move[] => {
    const ids = wanted[kind] ?? held[kind];
    const move = { kind, given: without(ids, held[kind]), taken: without(held[kind], ids) };
    return move.given.length + move.taken.length > 0 ? [move] : [];
  });
  if (moves.length === 0) return [];
  for (const { kind } of moves) {
    if (!KINDS[kind].mayGiveAny(caller)) throw new Forbidden(`You have no role that lets you change the ${kind} of a user`);
  }
  const things = await thingsOf(tx, caller, moves);
  const faults = new FieldFaults();
  for (const { kind, given } of moves) {
    for (const id of given) if (things.get(id)?.kind !== kind) faults.add(kind, `${id} does not exist`);
  }
  faults.check();
  const refused = [...things].filter(([, thing]) => !KINDS[thing.kind].mayGive(caller, thing));
  if (refused.length > 0) throw new Forbidden(`You may neither give nor take ${refused.map(([id]) => id).join(', ')}`);
  return moves;
}

/** Carries a move out. At most two statements. */
export async function move(tx: EntityManager, { id: userId }: User, { kind, given, taken }: Move): Promise<void> {
  const { table, column } = KINDS[kind];
  if (taken.length > 0) await tx.query(`DELETE FROM ${table} WHERE user_id = $1 AND ${column} = ANY ($2)`, [userId, uuidsOf(kind, taken)]);
  if (given.length > 0)
    await tx.query(`INSERT INTO ${table} (user_id, ${column}) SELECT $1, unnest($2::uuid[])`, [userId, uuidsOf(kind, given)]);
}

/** By their ids, those that there are of what is moved. */
async function thingsOf(tx: EntityManager, { id: userId }: User, moves: readonly Move[]): Promise<Map<string, Thing>> {
  const all = kinds.map(
    (kind) => `SELECT '${kind}' AS kind, uuid, tag, product FROM (${KINDS[kind].things}) AS of_kind (uuid, tag, product)`,
  );
  const things = await tx.query<Thing[]>(
    `SELECT kind, uuid, tag, EXISTS (SELECT FROM user_products WHERE user_id = $1 AND product_uuid = product) AS is_in
      FROM (${all.join(' UNION ALL ')}) AS things WHERE uuid = ANY ($2)`,
    [userId, moves.flatMap(({ kind, given, taken }) => uuidsOf(kind, [...given, ...taken]))],
  );
  return new Map(things.map((thing) => [idOf(KINDS[thing.kind].letter, thing.uuid), thing]));
}

const without = (ids: readonly string[], others: readonly string[]): string[] => {
  const gone = new Set(others);
  return ids.filter((id) => !gone.has(id));
};

/** Of those that are ids of the kind. */
const uuidsOf = (kind: Kind, ids: readonly string[]): string[] => ids.flatMap((id) => uuidOf(KINDS[kind].letter, id) ?? []);
