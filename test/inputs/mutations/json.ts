import * as fc from 'fast-check';
import type { ValidOrder } from '../valid-orders.js';
import { type Mutated, mutated } from './mutated.js';
import { anyOctetChange } from './octets.js';

/** What is done to a body as a text, before anybody knows what it means. */
export function mutatedJson(from: ValidOrder): fc.Arbitrary<Mutated> {
  const { body } = from;
  const octets = Buffer.from(body);
  const signs = [...body.matchAll(/["{}[\],:]/g)].map(({ index }) => index).filter((index) => index < 4000);
  const whole: readonly [string, string | Uint8Array][] = [
    ['nothing', ''],
    ['a comma too many', body.replace(/\}\s*$/, ',}')],
    ['a comment', `/* an order */${body}`],
    ['single quotes', body.replaceAll('"', "'")],
    ['NaN', body.replace('{', '{"a":NaN,')],
    ['a number with a zero in front', body.replace('{', '{"a":01,')],
    ['two byte order marks', `\ufeff\ufeff${body}`],
    ['UTF-16', Buffer.from(body, 'utf16le')],
    ['a member that stands twice', body.replace('{', '{"profile":"tls-client",')],
    ['two orders', body + body],
    ['deep lists', `${'['.repeat(10_000)}${body}`],
    ['deep objects', `${'{"a":'.repeat(17)}${body}${'}'.repeat(17)}`],
    ['2,000 values', body.replace('{', `{"a":[${'1,'.repeat(2000)}1],`)],
    ['more than 64 kB', body + ' '.repeat(65_536)],
    ['a character of no encoding', Buffer.concat([octets.subarray(0, 3), Buffer.of(0xc0, 0x80), octets.subarray(3)])],
    ['a surrogate in octets', Buffer.concat([octets.subarray(0, 3), Buffer.of(0xed, 0xa0, 0x80), octets.subarray(3)])],
    ['a text that does not end', body.replace(/"\s*\}?\s*\}\s*$/, '')],
  ];
  return fc.oneof(
    {
      weight: 3,
      arbitrary: anyOctetChange(octets).map(({ what, octets: changed }) => mutated('json', what, from, changed)),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...signs)
        .map((at) => mutated('json', `without the sign at ${at}`, from, body.slice(0, at) + body.slice(at + 1))),
    },
    { weight: 2, arbitrary: fc.constantFrom(...whole).map(([what, changed]) => mutated('json', what, from, changed)) },
  );
}
