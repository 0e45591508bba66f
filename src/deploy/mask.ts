/** Values shorter than this are too common to hide: they would mask half of every sentence. */
const SHORTEST = 6;

/** Replaces known config values in a text that people will see, for instance a crashed process's last lines. */
export function mask(text: string, values: Record<string, string>): string {
  const secrets = Object.values(values)
    .flatMap((value) => [value, ...value.split('\n')])
    .filter((value) => value.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
  return secrets.reduce((masked, secret) => masked.replaceAll(secret, '******'), text);
}
