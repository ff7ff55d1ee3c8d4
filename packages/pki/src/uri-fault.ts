import { isIPv4, isIPv6 } from 'node:net';
import type { Form } from './form.js';
import { dnsNameFault } from './name-faults.js';

const character = "[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}";
/** RFC 3986 appendix A: scheme, authority, then path, query and fragment of `pchar`. No two branches begin alike: linear. */
const uri = new RegExp(
  `^https?://([^/?#]*)((?:/(?:${character})*)?)(\\?(?:${character}|\\?)*)?(#(?:${character}|\\?)*)?$`,
);
const authority = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::([0-9]{1,5}))?$/;

/** The host of a URI that `uriFault` lets pass: a DNS name or an address. */
export function uriHost(value: string): string {
  const [, host = ''] = authority.exec(uri.exec(value)?.[1] ?? '') ?? [];
  return host.replace(/^\[|\]$/g, '');
}

/**
 * Why this is no absolute http or https URI (RFC 3986, strictly) whose host is a DNS name or an address (RFC 5280
 * 4.2.1.6), or `undefined`.
 */
export function uriFault(value: string): string | undefined {
  if (value.length > 2048) return 'must have at most 2048 characters';
  const [, network] = uri.exec(value) ?? [];
  if (network === undefined) return 'must be an absolute http or https URI in ASCII, by RFC 3986';
  if (network.includes('@')) return 'must not hold credentials';
  const [matched, host = '', port = '443'] = authority.exec(network) ?? [];
  if (matched === undefined || Number(port) < 1 || Number(port) > 65_535)
    return 'must have a host, and a port up to 65535';
  if (host.startsWith('[')) return isIPv6(host.slice(1, -1)) ? undefined : 'must have a host: it is no IPv6 address';
  if (isIPv4(host)) return undefined;
  const fault = dnsNameFault(host);
  return fault === undefined ? undefined : `must have a host: it ${fault}`;
}

export const uriForm: Form = {
  name: 'uri',
  text: 'must be an absolute http or https URI in ASCII by RFC 3986, without credentials, at most 2048 characters; its host a DNS name of A-labels in lower case, or an address',
  fault: uriFault,
};
