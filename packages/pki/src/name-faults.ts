import { domainToASCII, domainToUnicode } from 'node:url';
import type { Form } from './form.js';
import { hasMixedWord, looksLatin } from './look-alikes.js';

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Why this is no DNS name in lower case, without underscores (BR 7.1.4.2.1), or `undefined`. */
export function dnsNameFault(value: string, wildcards = false): string | undefined {
  if (value.length > 253) return 'must have at most 253 characters';
  const isWildcard = wildcards && value.startsWith('*.');
  const labels = (isWildcard ? value.slice(2) : value).split('.');
  if (!labels.every((text) => label.test(text))) {
    return `must be A-labels in lower case, ${wildcards ? 'a wildcard only as the first of them' : 'without wildcard'}`;
  }
  // All that ends in one label is more than anybody holds.
  if (isWildcard && labels.length < 2) return 'must have two labels or more behind the wildcard';
  if (labels.some((text) => text.startsWith('--', 2) && !isALabel(text))) {
    return 'must not have "--" in third place but in A-labels of IDNA';
  }
  if (labels.some((text, index) => isLookAlike(text, index < labels.length - 1 ? labels.at(-1) : undefined))) {
    return 'must not have a label that looks like another: it mixes scripts, or is drawn as a Latin one';
  }
  // A name whose last label is a number, perhaps in hexadecimal, would be read as an IPv4 address (WHATWG URL 3.5,
  // RFC 1123 2.1).
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return 'must not end in a number';
  return undefined;
}

// What IDNA 2008 takes: letters, marks and digits, and the few signs that have a place between some letters.
const uLabel = /^[\p{L}\p{M}\p{N}\-\u00b7\u0375\u05f3\u05f4\u30fb\u200c\u200d]+$/u;

// Where those signs have their place (RFC 5892 appendix A.3 to A.7); the joiners are checked by the decoder.
const inPlace = /(?<=l)\u00b7(?=l)|\u0375(?=\p{sc=Greek})|(?<=\p{sc=Hebrew})[\u05f3\u05f4]/gu;
const katakanaDot = /^(?!.*[\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Han}]).*\u30fb/u;

/**
 * Does it decode, encode again to the same, and hold what IDNA 2008 takes? The decoder is Node's (UTS 46, as browsers
 * have it). An empty text stands for "does not decode".
 */
function isALabel(text: string): boolean {
  const decoded = domainToUnicode(text);
  if (!text.startsWith('xn--') || !uLabel.test(decoded) || domainToASCII(decoded) !== text) return false;
  return !/[\u00b7\u0375\u05f3\u05f4]/.test(decoded.replace(inPlace, '')) && !katakanaDot.test(decoded);
}

/** `topLabel`: the last label of the name, when this one is not. Below one in the same script a label is what it seems. */
function isLookAlike(text: string, topLabel: string | undefined): boolean {
  if (!text.startsWith('xn--')) return false;
  const decoded = domainToUnicode(text);
  if (hasMixedWord(decoded)) return true;
  return topLabel !== undefined && looksLatin(decoded) && !sharesScript(decoded, domainToUnicode(topLabel));
}

/** Both Cyrillic, or both Greek: the scripts that can be drawn as Latin. */
function sharesScript(one: string, other: string): boolean {
  return [/\p{Script=Cyrillic}/u, /\p{Script=Greek}/u].some((script) => script.test(one) && script.test(other));
}

/** Why this is no ASCII mail address, or `undefined`. */
export function emailFault(value: string): string | undefined {
  if (value.length > 254) return 'must have at most 254 characters';
  const at = value.lastIndexOf('@');
  const local = value.slice(0, at);
  if (
    at < 1 ||
    local.length > 64 ||
    !/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local)
  ) {
    return 'must be an ASCII mail address';
  }
  const host = dnsNameFault(value.slice(at + 1));
  return host === undefined ? undefined : `must have a domain: it ${host}`;
}

export const dnsNameForm: Form = {
  name: 'dns-name',
  text: 'must be a DNS name of A-labels in lower case without underscore, at most 253 characters; no label may look like another',
  fault: (value) => dnsNameFault(value),
};
export const emailForm: Form = {
  name: 'email',
  text: 'must be an ASCII mail address: at most 64 characters before the @ and 254 in all, its domain a DNS name of A-labels in lower case',
  fault: emailFault,
};
