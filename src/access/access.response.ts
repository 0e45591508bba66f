import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { AppAccess } from '../apps/app.rights.ts';
import { idOf } from '../rbac/ids.ts';
import type { ProductRoad } from '../rbac/product-roads.ts';
import type { User } from '../users/user.entity.ts';
import type { UserAccess } from './access.service.ts';
import { type Standing, standingOf } from './decision.ts';

class RuleGroupResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' }, description: 'Process types; empty: all.' })
  types!: string[];
}

class RuleAclResponse {
  @ApiProperty({ type: 'string' })
  id!: string;

  @ApiProperty({ type: 'string' })
  name!: string;

  @ApiProperty({ type: 'array', items: { type: 'string' } })
  allow!: string[];

  @ApiProperty({ type: 'array', items: { type: 'string' } })
  deny!: string[];
}

const KINDS = ['administrator', 'owner', 'grant', 'product'] as const;

/** One of the ways in which a user has an app. */
export class AccessRuleResponse {
  @ApiProperty({ type: 'string', enum: KINDS })
  kind!: (typeof KINDS)[number];

  @ApiProperty({ type: 'string', required: false, description: 'Of the product.' })
  id?: string;

  @ApiProperty({ type: 'string', required: false, description: 'Of the product.' })
  name?: string;

  @ApiProperty({ type: [RuleGroupResponse], required: false, description: 'The user’s groups of the product that have the app.' })
  groups?: RuleGroupResponse[];

  @ApiProperty({ type: [RuleAclResponse], required: false, description: 'The user’s ACLs of the product.' })
  acls?: RuleAclResponse[];
}

class DecisionResponse {
  @ApiProperty({ type: 'boolean' })
  allowed!: boolean;

  @ApiProperty({ type: 'string', description: 'What allows or forbids it.' })
  because!: string;
}

/** What a user may do with an app. */
export class AccessResponse {
  @ApiProperty({ type: 'string' })
  app!: string;

  @ApiProperty({ type: 'string' })
  username!: string;

  @ApiProperty({
    type: 'string',
    enum: ['administrator', 'owner', 'collaborator', 'product', 'none'] satisfies Standing[],
    description: 'The widest of what the user is.',
  })
  role!: Standing;

  @ApiProperty({ type: [AccessRuleResponse], description: 'All that gives the user the app.' })
  rules!: AccessRuleResponse[];

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(DecisionResponse) },
    description: 'By action, as `x-action` of the calls has them.',
  })
  actions!: Record<string, DecisionResponse>;
}

export const accessModels = [DecisionResponse];

export function accessResponse({ user, access, decisions }: UserAccess): AccessResponse {
  return { app: access.app.id, username: user.username, role: standingOf(user, access), rules: rules(user, access), actions: decisions };
}

function rules(user: User, { app, collaborates, roads }: AppAccess): AccessRuleResponse[] {
  return [
    ...(user.isSuperuser ? [{ kind: 'administrator' } as const] : []),
    ...(app.ownerId === user.id ? [{ kind: 'owner' } as const] : []),
    ...(collaborates ? [{ kind: 'grant' } as const] : []),
    ...roads.map(productRule),
  ];
}

const productRule = ({ id, name, groups, acls }: ProductRoad): AccessRuleResponse => ({
  kind: 'product',
  id: idOf('p', id),
  name,
  groups: groups.map((group) => ({ ...group, id: idOf('g', group.id) })),
  acls: acls.map((acl) => ({ ...acl, id: idOf('a', acl.id) })),
});

export const accessExample: AccessResponse = {
  app: 'peachy-waxworks',
  username: 'ada',
  role: 'product',
  rules: [
    {
      kind: 'product',
      id: 'p-3d48618a283111e8a7e3000c298454d8',
      name: 'shop',
      groups: [{ id: 'g-3d48618a283111e8a7e3000c298454d9', name: 'night', types: ['worker'] }],
      acls: [{ id: 'a-3d48618a283111e8a7e3000c298454da', name: 'careful', allow: [], deny: ['rm *'] }],
    },
  ],
  actions: {
    'app.destroy': { allowed: false, because: 'This is for the owner of the app and administrators.' },
    'app.scale': { allowed: true, because: 'The product "shop" gives the app. The groups have the process types worker.' },
    'config.set': { allowed: true, because: 'The product "shop" gives the app.' },
  },
};
