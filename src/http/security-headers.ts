import type { Settings } from '../settings/settings.ts';

/** Every answer has these, also one to what is no request. */
export const guardHeaders = {
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
} as const;

/** An answer of the API is data: a browser that takes it for a page gets nothing out of it. */
const DATA = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The reference page has its scripts and styles from here, calls this server alone, and has styles and pictures in itself. */
const PAGE =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * What tells browsers, and caches on the way, what they must not do with an answer.
 * @param url path of the request; @param protocol that it came by, `https` or `http`, as far as TRUST_PROXY lets that be known
 */
export function securityHeaders(
  { hstsMaxAge }: Pick<Settings, 'hstsMaxAge'>,
  { url, protocol }: { url: string; protocol: string },
): Record<string, string> {
  const page = /^\/+docs(?![^/?#])/.test(url);
  return {
    ...guardHeaders,
    'Content-Security-Policy': page ? PAGE : DATA,
    // answers hold tokens, config and logs
    ...(page ? {} : { 'Cache-Control': 'no-store' }),
    ...(protocol === 'https' && hstsMaxAge > 0 ? { 'Strict-Transport-Security': `max-age=${String(hstsMaxAge)}` } : {}),
  };
}
