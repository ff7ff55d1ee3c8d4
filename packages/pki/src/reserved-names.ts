import { BlockList, isIPv6 } from 'node:net';

/**
 * Domains that nobody holds in the global DNS, or anybody may: special-use (RFC 6761, RFC 6762, RFC 7686, RFC 8375,
 * RFC 9476), `internal` (reserved by ICANN for private use), and the reverse trees of addresses.
 */
const reservedDomains: ReadonlySet<string> = new Set([
  ...['test', 'example', 'invalid', 'localhost', 'local', 'onion', 'alt', 'internal'],
  ...['example.com', 'example.net', 'example.org', 'home.arpa', 'in-addr.arpa', 'ip6.arpa'],
]);

/** Is this DNS name, of one label or below a reserved domain, one that others may hold as well? A wildcard counts as what is behind it. */
export function isReservedDnsName(name: string): boolean {
  const labels = (name.startsWith('*.') ? name.slice(2) : name).split('.');
  return labels.length < 2 || [1, 2].some((count) => reservedDomains.has(labels.slice(-count).join('.')));
}

/** Blocks of the IANA special-purpose registries (RFC 6890) that are not globally reachable, and multicast. */
const reservedAddresses = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const block of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  ...['::/127', '::ffff:0:0/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'],
  ...['5f00::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
]) {
  const [address = '', bits] = block.split('/');
  // One list each: a list takes every IPv4 address for one below ::ffff:0:0/96.
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  reservedAddresses[family].addSubnet(address, Number(bits), family);
}

/** Is this address private, loopback, documentation or otherwise one that anybody may use? */
export function isReservedAddress(address: string): boolean {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  return reservedAddresses[family].check(address, family);
}
