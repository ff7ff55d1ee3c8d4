import * as fc from 'fast-check';
import type { RequestContent, San, SubjectDn } from './types.js';

// "--" in third place is for A-labels.
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/).filter((text) => !text.startsWith('--', 2));
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const mail = fc.tuple(label, host).map(([local, domain]) => `${local}@${domain}`);
const text = (maxLength: number) =>
  fc
    .oneof(
      fc.stringMatching(/^[A-Za-z0-9 .,&-]+$/, { maxLength }),
      fc.string({ unit: fc.constantFrom('ä', 'ß', '日', '𝄞', 'x', ' '), minLength: 1, maxLength }),
    )
    .map((value) => value.trim())
    .filter((value) => value.length > 0 && [...value].length <= maxLength);
const printable = fc.stringMatching(/^[A-Za-z0-9+.,/:=?-]{1,64}$/);
const names = (one: fc.Arbitrary<string>) => fc.uniqueArray(one, { minLength: 1, maxLength: 8 });

const subjectDn: fc.Arbitrary<SubjectDn> = fc.record(
  {
    country: fc.stringMatching(/^[A-Z]{2}$/),
    state: text(128),
    locality: text(128),
    street_address: text(128),
    organization: text(64),
    organizational_unit: fc.array(text(64), { minLength: 1, maxLength: 4 }),
    common_name: text(64),
    email: mail,
    serial_number: printable,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const san: fc.Arbitrary<San> = fc.record(
  {
    dns_names: names(host),
    emails: names(mail),
    ip_addresses: names(fc.oneof(fc.ipV4(), fc.ipV6())),
    uris: names(fc.tuple(host, label).map(([domain, path]) => `https://${domain}/${path}`)),
  },
  { requiredKeys: [], noNullPrototype: true },
);

/** OBJECT IDENTIFIERs of the extra attributes and other names that some profile may allow: given name, UPN. */
export const typedOids = { attribute: '2.5.4.42', name: '1.3.6.1.4.1.311.20.2.3' } as const;

const typed = (oid: string) =>
  fc
    .uniqueArray(text(40), { minLength: 1, maxLength: 3 })
    .map((values) => values.map((value) => ({ type: oid, value })));

/** Content with what no field is for. */
export const anyTypedContent: fc.Arbitrary<RequestContent> = fc
  .tuple(subjectDn, san, typed(typedOids.attribute), typed(typedOids.name))
  .map(([subject, names, extra_attributes, other_names]) => ({
    subject_dn: { ...subject, extra_attributes },
    san: { ...names, other_names },
  }));

/** Any content that some profile may allow. */
export const anyContent: fc.Arbitrary<RequestContent> = fc.record(
  { subject_dn: subjectDn, san },
  { noNullPrototype: true },
);
