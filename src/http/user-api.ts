/** Where the user API lives, beside `/v2`. */
export const userApi = 'saltshaker/api/v1.0';

const addresses = new RegExp(`^/+${userApi.split('/').join('/+').replace('.', '\\.')}(?![^/?#])`);

/** Whether a path, or a URL without its host, is one of the user API: it has refusals of its own. */
export const isOfUserApi = (url: string): boolean => addresses.test(url);

/** What the user API refuses with, whatever the reason. @param message what and why */
export const userApiRefusal = (message: string): object => ({ status: false, message });
