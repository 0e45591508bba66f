/** Words that stand in examples and templates where a secret belongs. */
const PLACEHOLDERS =
  /change|changeme|replace|secret|password|passwort|passphrase|default|example|sample|insecure|unsafe|placeholder|please|random|value|string|token|admin|root|builder|keelson|drycc|deis|test|demo|letmein|qwerty|welcome|setup|encryption|your|this|with|here|long|some|key|the|for|and|not|use|put|me|my|is|it|in|to|of|a/g;

/** Different characters that every secret drawn at random has, be it ever so short. */
const FEW = 5;
/** Different letters that words have. */
const FEW_LETTERS = 3;

/**
 * What shows that a secret wasn't drawn at random, in words that continue its name; undefined where nothing does. Length is another
 * question.
 */
export function weaknessOf(secret: string): string | undefined {
  if (new Set(secret).size < FEW || /^(.+?)\1+$/s.test(secret) || isSequence(secret)) return 'repeats itself or counts up';
  const letters = secret.toLowerCase().replace(/[^a-z]/g, '');
  // in bytes, and among digits, a few letters may happen to be a word
  const mayBeWords = /^[ -~]+$/.test(secret) && new Set(letters).size >= FEW_LETTERS;
  return mayBeWords && letters.replace(PLACEHOLDERS, '') === '' ? 'is made of the words of an example' : undefined;
}

/** Whether each character comes as far after the one before it as the next: `abcdef`, `987654`. */
function isSequence(secret: string): boolean {
  const steps = new Set(Array.from({ length: secret.length - 1 }, (_, index) => secret.charCodeAt(index + 1) - secret.charCodeAt(index)));
  return steps.size === 1;
}
