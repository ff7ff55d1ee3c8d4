import type { ProfileDocument } from '@sluice/pki';
import * as fc from 'fast-check';
import type { Order } from '../expected-certificate.js';
import type { SoundCsr } from '../subject-keys.js';
import type { ValidOrder } from '../valid-orders.js';
import { type Mutated, mutated } from './mutated.js';

const fields = [
  'country',
  'state',
  'locality',
  'street_address',
  'organization',
  'common_name',
  'serial_number',
  'email',
];
const kinds = ['dns_names', 'emails', 'ip_addresses', 'uris'];
const badTexts = [
  ...[
    'x'.repeat(65),
    'x'.repeat(129),
    'y'.repeat(256),
    '日'.repeat(65),
    ' x',
    'x ',
    '\u00a0',
    'a\u202eb',
    'a\u2066b',
    'a\u2028b',
  ],
  ...['de', 'DEU', 'ä', 'a_b', '*', 'a@', '@b', '-', '00000000-0000-0000-0000-00000000000g'],
];
const badNames = [
  ...[
    'A.example',
    'a_b.example',
    'a..example',
    '.example',
    'a.example.',
    '-a.example',
    'a-.example',
    '*',
    '*.com',
    'a.*.example',
  ],
  ...[
    '*.*.example',
    'аpple.example',
    'xn--a',
    'xn--.example',
    'ab--c.example',
    '192.0.2.1',
    '1.2.3',
    'a.example:443',
    'a b.example',
  ],
  ...[
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(125)}exam`,
    '256.0.0.1',
    '192.0.2.0/24',
    'fe80::1%eth0',
    '::g',
    '0300.0.2.1',
    '',
  ],
  ...[
    'a',
    'a@b@c',
    'a@-b',
    '"a b"@example',
    'a@[192.0.2.1]',
    'ä@example',
    'ftp://a.example/',
    '/x',
    'https://',
    'https://a:b@c.example/',
  ],
  ...[
    'javascript:alert(1)',
    'https://ä.example/',
    `https://a.example/${'x'.repeat(2048)}`,
    'http://a b.example/',
    'urn:x',
  ],
];

/** What is done to an order that is well-formed: something its profile does not take, or another profile. */
export function mutatedRule(
  from: ValidOrder,
  known: { readonly csrs: readonly SoundCsr[]; readonly profiles: readonly string[] },
): fc.Arbitrary<Mutated> {
  const { order, document } = from;
  const send = (what: string, change: Partial<Order>): Mutated => mutated('rule', what, from, { ...order, ...change });
  const subject = (what: string, change: Order['subject_dn']): Mutated =>
    send(what, { subject_dn: { ...order.subject_dn, ...change } });
  const names = (what: string, change: NonNullable<Order['san']>): Mutated =>
    send(what, { san: { ...order.san, ...change } });
  const others: readonly string[] = [
    ...known.profiles,
    'nothing',
    'issuing-ca',
    'root-itself',
    '../tls-client',
    'TLS-CLIENT',
  ];
  const taken: readonly string[] = document.keys;
  const foreign = known.csrs.filter(({ kind }) => !taken.includes(kind));
  const arbitraries: fc.Arbitrary<Mutated>[] = [
    fc
      .tuple(
        fc.constantFrom(...fields),
        fc.oneof(fc.constantFrom(...badTexts), fc.string({ unit: 'binary', minLength: 1 })),
      )
      .map(([field, text]) => subject(`${field} ${text}`, { [field]: text })),
    fc
      .tuple(fc.constantFrom(...kinds), fc.array(fc.constantFrom(...badNames), { minLength: 1, maxLength: 3 }))
      .map(([kind, bad]) => names(`${kind} ${bad.join(' ')}`, { [kind]: bad })),
    fc
      .tuple(fc.constantFrom(...kinds), fc.constantFrom(...badNames))
      .map(([kind, bad]) =>
        names(`one more of ${kind}: ${bad}`, { [kind]: [...((order.san?.[kind] ?? []) as readonly string[]), bad] }),
      ),
    fc.tuple(fc.constantFrom(...kinds), fc.constantFrom(2, 100)).map(([kind, times]) => {
      const [first = 'a.example'] = (order.san?.[kind] ?? []) as readonly string[];
      return names(`${kind}: one ${times} times`, { [kind]: Array(times).fill(first) });
    }),
    fc
      .integer({ min: 2, max: 100 })
      .map((count) =>
        subject(`${count} units`, { organizational_unit: Array.from({ length: count }, (_, at) => `unit ${at}`) }),
      ),
    fc.constantFrom('2.5.4.3', '2.5.4.42', '1.2.3', 'not an OID').chain((type) =>
      fc.constantFrom('extra_attributes', 'other_names').map((member) => {
        const values = [{ type, value: 'x' }];
        return member === 'other_names'
          ? names(`other name ${type}`, { [member]: values })
          : subject(`attribute ${type}`, { [member]: values });
      }),
    ),
    fc.constantFrom(...others).map((profile) => send(`profile ${profile}`, { profile })),
    fc
      .constantFrom('1999-12-31T00:00:00Z', '9999-12-31T23:59:59Z')
      .map((time) => send(`until ${time}`, { validity: { not_after: time } })),
    fc.constant(send('nobody named', { subject_dn: {}, san: {} })),
    ...overLong(document).map(([what, change]) => fc.constant(subject(what, change))),
  ];
  if (foreign.length > 0) {
    arbitraries.push(
      fc
        .constantFrom(...foreign)
        .map(({ kind, der }) => send(`a key of ${kind}`, { csr: Buffer.from(der).toString('base64') })),
    );
  }
  return fc.oneof(...arbitraries);
}

const bounds = { state: 128, locality: 128, street_address: 128, organization: 64, common_name: 64 } as const;

/** One character more than each field of the profile takes: in letters, and in characters of two UTF-16 units. */
function overLong(document: ProfileDocument): (readonly [string, Record<string, string>])[] {
  return Object.entries(bounds).flatMap(([field, bound]) => {
    const rule = document.subject[field as keyof typeof bounds];
    if (rule === undefined) return [];
    const max = typeof rule === 'object' && 'rule' in rule ? Math.min(bound, rule.max_characters ?? bound) : bound;
    return ['x', '𝄞'].map((character) => [`${field} of ${max + 1}`, { [field]: character.repeat(max + 1) }] as const);
  });
}
