/**
 * One text for one JSON value: members in order of their names' UTF-8 octets, no blanks, strings as `JSON.stringify`
 * writes them. The ledger has a twin (`registry.canonical`), so numbers are integers that both sides can hold exactly.
 * Throws a TypeError for what is not such a value.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  // -0 is written as 0, on both sides.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value).sort(([one], [other]) => inOrderOfOctets(one, other));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
  }
  throw new TypeError(`no canonical form for ${typeof value} ${String(value)}`);
}

const surrogates = /[\ud800-\udfff]/;

/** UTF-16 and UTF-8 order the same names differently above U+FFFF. */
export function inOrderOfOctets(one: string, other: string): number {
  if (!surrogates.test(one) && !surrogates.test(other)) return one < other ? -1 : Number(one > other);
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
