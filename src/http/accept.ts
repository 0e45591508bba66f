/**
 * Whether an `Accept` header (RFC 9110, 12.5.1) wants a media type rather than another. Without one, or if it takes both alike: no.
 * @param wanted e.g. `application/json`
 */
export function prefers(accept: string | undefined, wanted: string, usual: string): boolean {
  return accept !== undefined && quality(accept, wanted) > quality(accept, usual);
}

/** How much the header wants a media type, from 0 to 1: by its most specific range that fits. */
function quality(accept: string, media: string): number {
  const ranges = accept.split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const weight = q === undefined ? 1 : Number(q);
    return { range, weight: weight >= 0 && weight <= 1 ? weight : 0 };
  });
  for (const fitting of [media, media.replace(/[^/]*$/, '*'), '*/*']) {
    const found = ranges.find(({ range }) => range === fitting);
    if (found) return found.weight;
  }
  return 0;
}
