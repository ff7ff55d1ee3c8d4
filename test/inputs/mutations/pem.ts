import * as fc from 'fast-check';
import { csrForms } from '../subject-keys.js';
import type { ValidOrder } from '../valid-orders.js';
import { type Mutated, mutated } from './mutated.js';

const begin = '-----BEGIN CERTIFICATE REQUEST-----';
const end = '-----END CERTIFICATE REQUEST-----';

/** What is done to a CSR as a text: armour and base64. */
export function mutatedPem(from: ValidOrder): fc.Arbitrary<Mutated> {
  const pem = csrForms.pem?.(from.csr.der) ?? '';
  const base64 = from.csr.der.toString('base64');
  const send = (what: string, csr: string): Mutated => mutated('pem', what, from, { ...from.order, csr });
  const signs = fc.constantFrom(
    '!',
    '-',
    '_',
    ' ',
    '.',
    '%',
    ',',
    'é',
    '\u00a0',
    '\u2028',
    '\ufeff',
    '＝',
    '=',
    '\\',
    '"',
  );
  const whole: readonly [string, string][] = [
    ['no last line', pem.replace(end, '')],
    ['no first line', pem.replace(begin, '')],
    ['lines only', `${begin}\n${end}\n`],
    ['a label of something else', pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')],
    ['two labels', pem.replace('BEGIN CERTIFICATE', 'BEGIN NEW CERTIFICATE')],
    ['label in small letters', pem.toLowerCase()],
    ['four hyphens', pem.replaceAll('-----', '----')],
    ['text in front', `Certificate Request:\n${pem}`],
    ['text behind', `${pem}bye`],
    ['headers', pem.replace(`${begin}\n`, `${begin}\nProc-Type: 4,ENCRYPTED\n\n`)],
    ['two of them', pem + pem],
    ['base64 of base64', Buffer.from(base64).toString('base64')],
    ['base64 of the PEM', Buffer.from(pem).toString('base64')],
    ['hexadecimal', from.csr.der.toString('hex')],
    ['base64url', `${Buffer.from(from.csr.der).toString('base64url')}-_`],
    ['a data URI', `data:application/pkcs10;base64,${base64}`],
    ['the DER itself', from.csr.der.toString('latin1').replace(/\p{Cc}/gu, 'x')],
    ['one octet of base64 more', `${base64.replace(/=+$/, '')}A`],
    ['four more signs of padding', `${base64}====`],
    ['blanks only', ' \n '],
    ['blanks around', `\n\n ${pem}\n \t\n`],
    ['a blank in each line', pem.replaceAll(/\n(?!-)(?=.)/g, ' \n')],
  ];
  const inside = fc.integer({ min: begin.length + 1, max: pem.length - end.length - 3 });
  return fc.oneof(
    fc.constantFrom(...whole).map(([what, csr]) => send(what, csr)),
    fc
      .tuple(inside, signs)
      .map(([at, sign]) => send(`${sign} put in at ${at}`, pem.slice(0, at) + sign + pem.slice(at))),
    fc
      .tuple(fc.nat(base64.length - 1), signs)
      .map(([at, sign]) =>
        send(`${sign} in place of the sign at ${at}`, base64.slice(0, at) + sign + base64.slice(at + 1)),
      ),
    fc.nat(pem.length - 1).map((at) => send(`cut off at ${at}`, pem.slice(0, at))),
  );
}
