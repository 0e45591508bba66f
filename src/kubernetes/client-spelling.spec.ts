import { fromClient, toClient } from './client-spelling.ts';

const limits = [{ type: 'Container', default: { memory: '1Mi' }, max: { memory: '2Mi' } }];
const limitRange = { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'a' }, spec: { limits } };

it('spells the defaults of a limit range as the client does, and back as they are over the wire', () => {
  const client = toClient(limitRange);
  expect(client).toMatchObject({ spec: { limits: [{ type: 'Container', _default: { memory: '1Mi' }, max: { memory: '2Mi' } }] } });
  expect(fromClient(client)).toEqual(limitRange);
});

it('spells whom a network policy lets in as the client does, and back', () => {
  const ingress = [{ from: [{ podSelector: {} }] }];
  const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'a' }, spec: { podSelector: {}, ingress } };
  const client = toClient(policy);
  expect(client).toMatchObject({ spec: { ingress: [{ _from: [{ podSelector: {} }] }] } });
  expect(fromClient(client)).toEqual(policy);
});

it('leaves what others call default alone', () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { default: 'eA==', _default: 'eQ==' } };
  expect(toClient(secret)).toEqual(secret);
  expect(fromClient(secret)).toEqual(secret);
});
