/** Images that the test cluster has, and that the sandbox plays. */

/** Serves HTTP on $PORT. */
export const WEB_IMAGE = 'local/web:1';
/** The same, next version. */
export const WEB_2_IMAGE = 'local/web:2';
/** Ends with 1 at once, having said `boom`. */
export const CRASH_IMAGE = 'local/crash:1';
/** Cannot be pulled. */
export const MISSING_IMAGE = 'local/missing:1';
/** Serves, but only after a while: 20 s in a real cluster. */
export const SLOW_IMAGE = 'local/slow:1';
