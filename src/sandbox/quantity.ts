const suffixes: Record<string, bigint> = {
  n: 1n,
  u: 10n ** 3n,
  m: 10n ** 6n,
  '': 10n ** 9n,
  k: 10n ** 12n,
  M: 10n ** 15n,
  G: 10n ** 18n,
  T: 10n ** 21n,
  P: 10n ** 24n,
  E: 10n ** 27n,
  Ki: (10n ** 9n) << 10n,
  Mi: (10n ** 9n) << 20n,
  Gi: (10n ** 9n) << 30n,
  Ti: (10n ** 9n) << 40n,
  Pi: (10n ** 9n) << 50n,
  Ei: (10n ** 9n) << 60n,
};

const decimal = ['E', 'P', 'T', 'G', 'M', 'k', '', 'm', 'u', 'n'];
const binary = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'];

const shape = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([KMGTPE]i|[numkMGTPE]?)|[eE]([+-]?\d+))$/;

export const quantityFault = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

export const isQuantity = (value: unknown): boolean => typeof value === 'number' || (typeof value === 'string' && shape.test(value));

/** The quantity in billionths (nano units), so that all of them compare as whole numbers. What isn't a quantity counts as 0. */
export function nano(value: string | number | undefined): bigint {
  const match = shape.exec(String(value ?? 0));
  if (!match) return 0n;
  const [, sign, digits = '0', suffix = '', exponent] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const tens = exponent === undefined ? 0 : Number(exponent);
  const unit = suffixes[suffix] ?? 1n;
  const scaled = BigInt(`${whole}${fraction}` || '0') * unit * 10n ** BigInt(Math.max(tens, 0));
  const divisor = 10n ** BigInt(fraction.length + Math.max(-tens, 0));
  const amount = (scaled + divisor - 1n) / divisor;
  return sign === '-' ? -amount : amount;
}

/** Written as Kubernetes writes it: `1000m` is `1`, `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function canonical(value: string | number): string {
  const text = String(value);
  const amount = nano(text);
  if (amount === 0n) return '0';
  const sizes = /[KMGTPE]i$/.test(text) && amount % (suffixes[''] ?? 1n) === 0n ? [...binary, ''] : decimal;
  const suffix = sizes.find((each) => amount % (suffixes[each] ?? 1n) === 0n) ?? 'n';
  return `${amount / (suffixes[suffix] ?? 1n)}${suffix}`;
}

/** The sum of quantities, written in the form of the first. */
export function sum(quantities: readonly (string | number)[]): string {
  const total = quantities.reduce((amount, each) => amount + nano(each), 0n);
  const isBinary = quantities.some((each) => /[KMGTPE]i$/.test(String(each)));
  const sizes = isBinary && total % (suffixes[''] ?? 1n) === 0n ? [...binary, ''] : decimal;
  const suffix = sizes.find((each) => total !== 0n && total % (suffixes[each] ?? 1n) === 0n);
  return suffix === undefined ? '0' : `${total / (suffixes[suffix] ?? 1n)}${suffix}`;
}
