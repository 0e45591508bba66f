/** A request, if one was given, and a limit; bytes of memory or millicores of cpu. */
export interface ResourceLimits {
  request: number | null;
  limit: number;
}

const MEMORY = /^(?:(?:[0-9]+(?:MB|KB|GB|[BKMG])|0)(?:\/[0-9]+(?:MB|KB|GB|[BKMG]))?)$/i;
const CPU = /^[-+]?[0-9]*\.?[0-9]+m?(?:\/[-+]?[0-9]*\.?[0-9]+m?)?$/;

const UNITS = [
  ['G', 1024 ** 3],
  ['M', 1024 ** 2],
  ['K', 1024],
] as const;

function limits(text: string, amount: (part: string) => number): ResourceLimits {
  const [first = '', second] = text.split('/');
  return second === undefined ? { request: null, limit: amount(first) } : { request: amount(first), limit: amount(second) };
}

/** `<limit>` or `<request>/<limit>` of memory, each a number with a unit (B, K, M or G, powers of 1024), in bytes; null if it is neither. */
export function parseMemory(text: string): ResourceLimits | null {
  if (!MEMORY.test(text)) return null;
  return limits(text, (part) => Number.parseInt(part, 10) * (UNITS.find(([unit]) => part.toUpperCase().includes(unit))?.[1] ?? 1));
}

/** `<limit>` or `<request>/<limit>` of cores (`0.5`) or millicores (`500m`), in whole millicores, rounded up; null if it is neither. */
export function parseCpu(text: string): ResourceLimits | null {
  if (!CPU.test(text)) return null;
  // Through a decimal string: 1.001 * 1000 is a little less than 1001.
  return limits(text, (part) => Math.ceil(Number((Number.parseFloat(part) * (part.endsWith('m') ? 1 : 1000)).toFixed(6))));
}

/** Bytes as a Kubernetes quantity, in the largest unit that keeps them whole. */
export function memoryQuantity(bytes: number): string {
  const unit = bytes === 0 ? undefined : UNITS.find(([, size]) => bytes % size === 0);
  return unit ? `${bytes / unit[1]}${unit[0]}i` : String(bytes);
}

/** Millicores as a Kubernetes quantity. */
export function cpuQuantity(millicores: number): string {
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}
