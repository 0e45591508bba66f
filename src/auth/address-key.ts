import ipaddr from 'ipaddr.js';

/** `[2001:db8::1]:443`, also without the port, and `192.0.2.1:443`. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+):\d+)$/;

/**
 * What an address counts as: an IPv4 address as itself, also in its IPv6 form; of an IPv6 address its network of 64 bits, all of which one
 * host may have. A port doesn't count, which some proxies write behind it and every connection has another of. What is no address, as a
 * proxy that is trusted may send it, is as it is.
 */
export function addressKey(text: string): string {
  const [, bracketed, plain] = WITH_PORT.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toNormalizedString()}/64`).toString();
}
