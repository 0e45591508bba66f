import { App } from '../apps/app.entity.ts';
import { User } from '../users/user.entity.ts';
import { appRights, platformRights } from './rights.ts';

const user = (id: number, isSuperuser = false): User =>
  Object.assign(new User(), { id, username: `user${String(id)}`, tags: isSuperuser ? [1, 0] : [1] });
const app = Object.assign(new App(), { ownerId: 1 });

it.each([
  ['the owner', user(1), false, { 'app:use': true, 'app:own': true, 'app:revoke': true, 'app:inspect': true }],
  ['a collaborator', user(2), true, { 'app:use': true, 'app:own': false, 'app:revoke': false, 'app:inspect': false }],
  ['a stranger', user(3), false, { 'app:use': false, 'app:own': false, 'app:revoke': false, 'app:inspect': false }],
  ['an administrator', user(4, true), false, { 'app:use': true, 'app:own': true, 'app:revoke': true, 'app:inspect': true }],
] as const)('what %s may do to an app', (_, who, collaborates, expected) => {
  const allowed = Object.entries(appRights).map(([rule, may]) => [rule, may(who, { app, collaborates, roads: [] })]);
  expect(Object.fromEntries(allowed)).toEqual(expected);
});

it.each([
  ['a user', [1], ['user']],
  ['an administrator', [0, 1], Object.keys(platformRights).filter((rule) => rule !== 'accounts:own')],
  ['a product administrator', [1, 2], ['user', 'accounts:read', 'accounts:change', 'roles:read', 'products:administer', 'acls:administer']],
  ['a user administrator', [1, 3], ['user', 'accounts:read', 'accounts:change', 'accounts:administer', 'roles:read']],
  ['an ACL administrator', [1, 4], ['user', 'accounts:read', 'accounts:change', 'roles:read', 'acls:administer']],
] as const)('what %s may do to the platform', (_, tags, expected) => {
  const who = Object.assign(new User(), { id: 1, uuid: '00000000-0000-1000-8000-000000000001', tags });
  expect(Object.entries(platformRights).flatMap(([rule, may]) => (may(who) ? [rule] : []))).toEqual(expected);
});
