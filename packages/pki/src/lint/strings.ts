/** Is every octet one that the test takes? */
function all(bytes: Uint8Array, start: number, end: number, table: Uint8Array): boolean {
  for (let at = start; at < end; at += 1) {
    if (table[bytes[at] ?? 0] === 0) return false;
  }
  return true;
}

function tableOf(takes: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (takes(octet) ? 1 : 0));
}

const within = (characters: string) => tableOf((octet) => characters.includes(String.fromCharCode(octet)));
const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const printable = within(`${letters}${digits} '()+,-./:=?`);
const numeric = within(`${digits} `);
const visible = tableOf((octet) => octet >= 0x20 && octet <= 0x7e);
const ascii = tableOf((octet) => octet < 0x80);

/** X.680 41.4, table 10. */
export function isPrintableString(bytes: Uint8Array, start: number, end: number): boolean {
  return all(bytes, start, end, printable);
}

/** Digits and blanks (X.680 41.2). */
export function isNumericString(bytes: Uint8Array, start: number, end: number): boolean {
  return all(bytes, start, end, numeric);
}

/** ASCII from the blank to the tilde. */
export function isVisibleString(bytes: Uint8Array, start: number, end: number): boolean {
  return all(bytes, start, end, visible);
}

/** ASCII, control characters included. */
export function isIa5String(bytes: Uint8Array, start: number, end: number): boolean {
  return all(bytes, start, end, ascii);
}

/**
 * Number of characters of UTF-8, or -1 when it is not UTF-8 (RFC 3629): overlong forms, surrogates and what lies above
 * U+10FFFF are not.
 */
export function utf8Characters(bytes: Uint8Array, start: number, end: number): number {
  let characters = 0;
  for (let at = start; at < end; characters += 1) {
    const first = bytes[at] ?? 0;
    if (first < 0x80) {
      at += 1;
      continue;
    }
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || at + more >= end) return -1;
    const second = bytes[at + 1] ?? 0;
    if (first === 0xe0 && second < 0xa0) return -1;
    if (first === 0xed && second > 0x9f) return -1;
    if (first === 0xf0 && second < 0x90) return -1;
    if (first === 0xf4 && second > 0x8f) return -1;
    for (let offset = 1; offset <= more; offset += 1) {
      if (((bytes[at + offset] ?? 0) & 0xc0) !== 0x80) return -1;
    }
    at += more + 1;
  }
  return characters;
}

/** Octets as text, one character each; for names that must be ASCII. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}
