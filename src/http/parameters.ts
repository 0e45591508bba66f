interface PathParameter {
  /** What the percent-decoded value must look like; anything else is no such route. */
  readonly pattern: RegExp;
  readonly description: string;
  readonly example: string;
  /** May hold slashes as they are, where it is the end of a path: it is the rest of it then. */
  readonly slashes?: true;
}

/** Every name that a route may give a part of its path. A route that uses another name does not start. */
export const pathParameters: Readonly<Record<string, PathParameter>> = {
  app: { pattern: /^[a-z0-9-]+$/, description: 'Id of the app.', example: 'peachy-waxworks' },
  version: { pattern: /^v?[0-9]+$/, description: 'A release, as `v3` or `3`.', example: 'v3' },
  username: { pattern: /^[\w.@+-]+$/, description: 'Name of a user.', example: 'ada' },
  domain: { pattern: /^\**\.?[-.\p{L}\p{M}\p{N}_]+$/u, description: 'A host name.', example: 'www.example.com' },
  certificate: { pattern: /^[-_*.\p{L}\p{M}\p{N}]+$/u, description: 'Name of a certificate.', example: 'www-example-com' },
  key: { pattern: /^[^\0]+$/, description: 'Id of an SSH key.', example: 'ada@laptop', slashes: true },
  fingerprint: {
    pattern: /^[^\0]+$/,
    description: 'Fingerprint of an SSH key, MD5 or SHA-256, with or without `MD5:` or `SHA256:` in front.',
    example: '9d:bd:e7:a3:e4:e1:d0:4c:3e:77:4f:78:e1:ef:ad:e2',
    slashes: true,
  },
  type: { pattern: /^[-_\w.]+$/, description: 'A process type.', example: 'web' },
  typeOrName: { pattern: /^[-_\w.]+$/, description: 'A process type, or the name of a pod.', example: 'web' },
  name: { pattern: /^[-_\w.]+$/, description: 'Name of a pod.', example: 'peachy-waxworks-web-6f7d9c5b4-x2x9k' },
  id: {
    pattern: /^[^\0/]+$/,
    description: 'An id of the user API: `u-` user, `r-` role, `a-` acl, `g-` group, `p-` product.',
    example: 'u-3d48618a283111e8a7e3000c298454d8',
  },
  productName: { pattern: /^[^\0]+$/, description: 'Name of a product.', example: 'payments', slashes: true },
  uuid: { pattern: /^[-_\w]+$/, description: 'A UUID.', example: 'de1bf5b5-4a72-4f94-a10c-d2a3741cdf75' },
};

/** Whether the values that a path gives its parameters are such as they may be. */
export function areValid(values: Readonly<Record<string, string | undefined>>): boolean {
  return Object.entries(values).every(([name, value]) => pathParameters[name]?.pattern.test(value ?? '') ?? true);
}
