import ipaddr from 'ipaddr.js';
import { isIP } from 'node:net';

/** An annotation of a Kubernetes object holds them, and all of an object's annotations together 256 KiB. */
const MAX_ADDRESSES = 1000;

/** Whether a text is an IP address of either family, or a network in CIDR notation whose address is its first one. */
export function isAddressOrNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  // node takes a zone, such as fe80::1%eth0, which means nothing elsewhere
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const network = family === 4 ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text);
  return network.toNormalizedString() === ipaddr.parse(address).toNormalizedString();
}

/** What is wrong with a list of addresses and networks, all at once. */
export function addressFaults(addresses: readonly string[]): string[] {
  if (addresses.length > MAX_ADDRESSES) return [tooMany()];
  return [...new Set(addresses)]
    .filter((address) => !isAddressOrNetwork(address))
    .map((address) => `The address ${shown(address)} is not valid`);
}

/** What is wrong with a list that valid addresses were added to. */
export const lengthFaults = (addresses: readonly string[]): string[] => (addresses.length > MAX_ADDRESSES ? [tooMany()] : []);

const tooMany = (): string => `A whitelist can have at most ${String(MAX_ADDRESSES)} addresses`;

const shown = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
