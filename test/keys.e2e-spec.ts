import { type Answer, type Api, type Keelson, startKeelson } from './keelson.ts';
import { newPublicKey } from './ssh-key.ts';

interface Key {
  uuid: string;
  id: string;
  owner: string;
  public: string;
  fingerprint: string;
  created: string;
  updated: string;
}
interface Page {
  count: number;
  next: string | null;
  previous: string | null;
  results: Key[];
}

const inUse = ['Public Key is already in use'];
const noKey = { detail: 'No Key matches the given query.' };

let keelson: Keelson;
let ada: Api;
let bob: Api;

const add = (user: Api, id: unknown, text: unknown): Promise<Answer<Key>> => user.post('/v2/keys', { id, public: text });
const list = async (user: Api, query = ''): Promise<Page> => (await user.get<Page>(`/v2/keys${query}`)).json;
const said = ({ status, json }: Answer<unknown>): [number, unknown] => [status, json];

beforeAll(async () => {
  keelson = await startKeelson();
  ada = await keelson.register('ada');
  bob = await keelson.register('bob');
});

afterAll(() => keelson.stop());

describe('adding a key', () => {
  it('answers with all of it', async () => {
    const text = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH+1oYxJ1mzG/UI8nYBPllAoXNa/kB/f0MN56Ivmje+x ada@laptop';
    const { status, json } = await add(ada, 'ada@laptop', `${text}\n`);
    expect([status, json]).toEqual([
      201,
      {
        uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        id: 'ada@laptop',
        owner: 'ada',
        public: text,
        fingerprint: '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2',
        created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dUTC$/) as string,
        updated: json.created,
      },
    ]);
    expect(said(await ada.get('/v2/keys/ada@laptop'))).toEqual([200, json]);
  });

  it.each<[string, unknown, object]>([
    ['without a body', undefined, { id: ['This field is required.'], public: ['This field is required.'] }],
    ['with nulls', { id: null, public: null }, { id: ['This field may not be null.'], public: ['This field may not be null.'] }],
    ['with blanks', { id: ' ', public: '' }, { id: ['This field may not be blank.'], public: ['This field may not be blank.'] }],
    ['with other types', { id: 1, public: ['ssh-rsa'] }, { id: ['Not a valid string.'], public: ['Not a valid string.'] }],
    [
      'with an id that is too long and a key that is none',
      { id: 'x'.repeat(129), public: 'ssh-rsa AAAA*' },
      { id: ['Ensure this field has no more than 128 characters.'], public: ['Key contains invalid base64 chars'] },
    ],
    ['with a NUL in the id', { id: 'a\0', public: newPublicKey() }, { id: ['Null characters are not allowed.'] }],
  ])('%s is refused', async (_, body, faults) => {
    expect(said(await bob.post('/v2/keys', body))).toEqual([400, faults]);
    expect(await list(bob)).toMatchObject({ count: 0 });
  });

  it('is refused for an id or a key that anybody has, whatever the comment', async () => {
    const text = newPublicKey('taken');
    await add(ada, 'taken', text);
    const idTaken = { id: ['SSH Key with this id already exists.'] };
    const keyTaken = { public: inUse, key: inUse };
    for (const user of [ada, bob]) {
      expect(said(await add(user, 'taken', newPublicKey()))).toEqual([400, idTaken]);
      expect(said(await add(user, 'free', text))).toEqual([400, keyTaken]);
      expect(said(await add(user, 'free', text.replace(' taken', '  with another comment')))).toEqual([400, keyTaken]);
      expect(said(await add(user, 'taken', text))).toEqual([400, { ...idTaken, ...keyTaken }]);
    }
    await ada.delete('/v2/keys/taken');
  });

  it('succeeds once when it is asked for many times at once', async () => {
    const [text, rounds] = [newPublicKey(), Array.from({ length: 12 }, (_, index) => index)];
    const sameId = await Promise.all(rounds.map((round) => add(round % 2 ? ada : bob, 'raced', newPublicKey())));
    const sameKey = await Promise.all(rounds.map((round) => add(round % 2 ? ada : bob, `raced-${String(round)}`, text)));
    for (const answers of [sameId, sameKey]) {
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...rounds.slice(1).map(() => 400)]);
    }
    for (const user of [ada, bob]) {
      for (const { id } of (await list(user)).results.filter(({ id }) => id.startsWith('raced'))) await user.delete(`/v2/keys/${id}`);
    }
  });
});

describe('the keys of a user', () => {
  it('are his alone, for administrators too', async () => {
    await add(bob, 'bob@desk', newPublicKey());
    for (const path of ['/v2/keys/bob@desk', '/v2/keys/nobody@nowhere']) {
      expect(said(await ada.get(path))).toEqual([404, noKey]);
      expect(said(await ada.delete(path))).toEqual([404, noKey]);
    }
    expect((await list(ada)).results.map(({ owner }) => owner)).toEqual(['ada']);
    expect((await list(bob)).results.map(({ id }) => id)).toEqual(['bob@desk']);
    expect([(await bob.delete('/v2/keys/bob@desk/')).status, (await list(bob)).count]).toEqual([204, 0]);
    expect(said(await bob.delete('/v2/keys/bob@desk'))).toEqual([404, noKey]);
  });

  it('are listed by their text, in pages', async () => {
    const carol = await keelson.register('carol');
    const texts = ['Z', 'a', 'é', 'z'].map((comment) => newPublicKey(comment));
    for (const [index, text] of texts.entries()) expect((await add(carol, `carol ${String(index)}`, text)).status).toBe(201);
    const sorted = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const [first, second] = [await list(carol, '?limit=3'), await list(carol, '?limit=3&offset=3')];
    expect([first.count, second.count, first.previous, second.next]).toEqual([4, 4, null, null]);
    expect([...first.results, ...second.results].map((key) => key.public)).toEqual(sorted);
  });

  it('go with him', async () => {
    const dave = await keelson.register('dave');
    const text = newPublicKey();
    await add(dave, 'dave@desk', text);
    expect((await dave.delete('/v2/auth/cancel')).status).toBe(204);
    expect((await add(bob, 'dave@desk', text)).status).toBe(201);
    await bob.delete('/v2/keys/dave@desk');
  });

  it('cost three statements however many they are, the caller included', async () => {
    const erin = await keelson.register('erin');
    for (let count = 1; count <= 3; count++) {
      await add(erin, `erin ${String(count)}`, newPublicKey());
      keelson.statements.length = 0;
      expect((await list(erin, `?limit=${String(count)}`)).results).toHaveLength(count);
      expect(keelson.statements).toHaveLength(3);
    }
  });
});

describe('the id in a path', () => {
  it.each(['ada@host.example.com', 'ada lovelace', 'büro/laptop', 'a+b%2F', '?#&=;', '/leading', 'x'.repeat(128), '𝔞'.repeat(128)])(
    'is %j, percent-encoded',
    async (id) => {
      expect((await add(ada, id, newPublicKey())).status).toBe(201);
      const path = `/v2/keys/${encodeURIComponent(id)}`;
      expect((await ada.get<Key>(path)).json.id).toBe(id);
      expect((await ada.get<Key>(`${path}/`)).json.id).toBe(id);
      expect((await ada.delete(`${path}/`)).status).toBe(204);
    },
  );

  it.each(['ada@host/laptop', 'a//b', 'ada:1+2'])('is %j, as it is', async (id) => {
    expect((await add(ada, id, newPublicKey())).status).toBe(201);
    // not by way of Api: in the documentation a parameter has no slashes
    const call = (method: string, end = ''): Promise<Response> =>
      fetch(`${ada.base}/v2/keys/${id}${end}`, { method, headers: { Authorization: `token ${ada.token ?? ''}` } });
    expect(await (await call('GET')).json()).toMatchObject({ id });
    const wrong = await call('PUT');
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD']);
    expect((await call('DELETE', '/?force=a/b')).status).toBe(204);
  });

  it('of nothing is the list', async () => {
    expect((await ada.get<Page>('/v2/keys//')).json.count).toBe(1);
  });
});
