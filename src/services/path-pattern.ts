/**
 * What is wrong with a path pattern: a comma list of regular expressions. They are compiled here, which takes no time, and never run:
 * matching is the router's business.
 */
export function pathPatternFaults(pattern: string): string[] {
  return pattern.split(',').every(isRegex) ? [] : ['Service value should be valid regex (or set of regex split by comma)'];
}

function isRegex(text: string): boolean {
  if (text.trim() === '') return false;
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
