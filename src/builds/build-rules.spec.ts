import { imageFaults, procfileFaults, SHA_PATTERN } from './build-rules.ts';
import { imageRegistryHost, parseImage } from './image-reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('an image reference', () => {
  it.each([
    ['web', null, 'web', null, null],
    ['local/web:1', null, 'local/web', '1', null],
    ['docker.io/library/redis', 'docker.io', 'library/redis', null, null],
    ['registry.example.com:5000/a/b/c:v1.2_x-y', 'registry.example.com:5000', 'a/b/c', 'v1.2_x-y', null],
    ['Registry/a', 'Registry', 'a', null, null],
    ['registry:5000/a', 'registry:5000', 'a', null, null],
    ['localhost/a', 'localhost', 'a', null, null],
    ['[fe80::1]:80/a', '[fe80::1]:80', 'a', null, null],
    [`a/b@${digest}`, null, 'a/b', null, digest],
    [`x.io/b:1@${digest}`, 'x.io', 'b', '1', digest],
    ['a__b/c-d--e/f.g', null, 'a__b/c-d--e/f.g', null, null],
    [`a:${'t'.repeat(128)}`, null, 'a', 't'.repeat(128), null],
  ])('%s', (image, registry, path, tag, hash) => {
    expect(parseImage(image)).toEqual({ registry, path, tag, digest: hash });
  });

  it.each([
    '',
    ' ',
    'a b',
    'a ',
    'Upper',
    'a//b',
    '/a',
    'a/',
    'a:',
    'a:1:2',
    'a@',
    'a@sha256:12',
    `a@${digest}@${digest}`,
    'a:-x',
    `a:${'t'.repeat(129)}`,
    'a..b/',
    '-a/b',
    'a_/b',
    'http://example.com/a',
    'registry.example.com/',
    'registry.example.com:port/a',
    'żółw',
    'a\nb',
    'x/'.repeat(130) + 'y',
  ])('%j is none', (image) => {
    expect(parseImage(image)).toBeNull();
  });

  it.each([
    ['web', 'https://index.docker.io/v1/'],
    ['docker.io/library/web', 'https://index.docker.io/v1/'],
    ['quay.io/a/b:1', 'quay.io'],
    ['r:5000/a', 'r:5000'],
    ['no image', null],
  ])('%s is pulled from %s', (image, host) => {
    expect(imageRegistryHost(image)).toBe(host);
  });
});

describe('the image of a build', () => {
  const plain = { sha: '', dockerfile: '' };

  it.each([
    'localhost/a',
    'localhost:5000/a',
    '127.0.0.1:5000/a',
    '127.1/a',
    '127.9.8.7/a',
    '[::1]:5000/a',
    'LOCALHOST:5000/a',
    'x.localhost/a',
  ])('%s on the node itself is refused', (image) => {
    const registry = image.slice(0, -2);
    const fault = `The registry ${registry} is a loopback address, which the nodes of the cluster cannot pull from`;
    expect(imageFaults({ ...plain, image })).toEqual([fault]);
    expect(imageFaults({ sha: 'abc', dockerfile: '', image })).toEqual([fault]);
  });

  it.each(['local/web:1', 'localhost', 'localhoster.com/a', '128.0.0.1/a', '[2001:db8::1]/a', 'quay.io/a'])('%s is fine', (image) => {
    expect(imageFaults({ ...plain, image })).toEqual([]);
  });

  it('that is no reference is refused, unless it is a slug', () => {
    const image = 'http://slugs.example.com/home/demo:git-abc/push/slug.tgz';
    const fault = 'Not a valid image reference, such as registry.example.com/team/app:1.0';
    expect(imageFaults({ ...plain, image })).toEqual([fault]);
    expect(imageFaults({ sha: 'abc', dockerfile: 'FROM x', image })).toEqual([fault]);
    expect(imageFaults({ sha: 'abc', dockerfile: '', image })).toEqual([]);
  });
});

describe('a Procfile', () => {
  const empty = "Command can't be empty for process type";
  const type = 'Process types can only contain lowercase alphanumeric characters';

  it.each([
    [{}, []],
    [{ web: 'npm start', 'a-1': 'x', constructor: 'x' }, []],
    [{ web: '', worker: null, x: ' \t' }, [empty]],
    [{ Web: '' }, [type, empty]],
    [{ a_b: 'x', 'a--b': 'x', '-a': 'x' }, [type]],
    [{ web: 5, worker: ['x'] }, ['The command of web must be a string', 'The command of worker must be a string']],
    [{ ['x'.repeat(254)]: 'x' }, ['Process types can have at most 253 characters']],
    [{ web: 'x'.repeat(131_071) }, []],
    [{ web: 'x'.repeat(131_072) }, ['The command of web can have at most 131071 bytes']],
  ] as [Record<string, unknown>, string[]][])('is judged (%#)', (procfile, faults) => {
    expect(procfileFaults(procfile)).toEqual(faults);
  });
});

it.each([
  ['', true],
  ['0a1b', true],
  ['v1.2_x-y', true],
  ['a b', false],
  ['a/b', false],
  ['a\n', false],
])('%j is a commit id: %s', (sha, valid) => {
  expect(SHA_PATTERN.test(sha)).toBe(valid);
});
