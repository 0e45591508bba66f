/** The time forms of the wire, all in UTC; each of the spec's objects has its own. */

/** `2014-01-01T00:00:00UTC`: apps, configs, builds, releases, domains, keys, settings. */
export const utcSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}UTC`;

/** `2014-01-01T00:00:00Z`: pods and certificates, whose times the command lines parse. */
export const zuluSeconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

/** `2014-10-19T22:01:00.601Z`: users and Keelson's own resources. */
export const isoMillis = (time: Date): string => time.toISOString();
