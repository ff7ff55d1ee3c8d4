import { createPublicKey, generateKeyPair, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { ProfileKeyKind } from '@sluice/pki';
import { tlv } from './tlv.js';

const generate = promisify(generateKeyPair);
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');

/** A way to sign a CSR: its AlgorithmIdentifier, and what node:crypto needs for it. */
export interface CsrSigning {
  readonly name: string;
  readonly algorithm: Buffer;
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null;
  readonly options: Partial<SignKeyObjectInput>;
}

export interface SubjectKey {
  readonly kind: ProfileKeyKind;
  readonly key: KeyObject;
  readonly spki: Buffer;
  readonly signings: readonly CsrSigning[];
}

const sha2 = { sha256: '01', sha384: '02', sha512: '03' } as const;
const digests = ['sha256', 'sha384', 'sha512'] as const;
const pssPadding = 6;

const ecdsa = digests.map((digest, index) => ({
  ...{ name: `ECDSA ${digest}`, digest, options: {} },
  algorithm: tlv(0x30, hex(`06082a8648ce3d04030${index + 2}`)),
}));
const pkcs1 = digests.map((digest, index) => ({
  ...{ name: `PKCS#1 ${digest}`, digest, options: {} },
  algorithm: tlv(0x30, hex(`06092a864886f70d01010${'bcd'[index]}`), hex('0500')),
}));
/** Salt as long as the hash, which is usual, and none. */
const pss = digests.flatMap((digest, index) =>
  [32 + 16 * index, 0].map((saltLength) => ({
    ...{ name: `PSS ${digest} ${saltLength}`, digest, options: { padding: pssPadding, saltLength } },
    algorithm: pssAlgorithm(digest, saltLength),
  })),
);
const ed25519 = [{ name: 'Ed25519', digest: null, options: {}, algorithm: hex('300506032b6570') }];

/** RFC 4055 3.1. */
function pssAlgorithm(digest: keyof typeof sha2, saltLength: number): Buffer {
  const hash = tlv(0x30, hex(`06096086480165030402${sha2[digest]}`), hex('0500'));
  const mask = tlv(0x30, hex('06092a864886f70d010108'), hash);
  const parameters = [tlv(0xa0, hash), tlv(0xa1, mask), tlv(0xa2, tlv(0x02, Buffer.of(saltLength)))];
  return tlv(0x30, hex('06092a864886f70d01010a'), tlv(0x30, ...parameters));
}

/** Keys of every kind that a profile can name. RSA ones take long to make: one of each size, for all tests of a file. */
export async function makeSubjectKeys(): Promise<readonly SubjectKey[]> {
  const ec = (namedCurve: string) => generate('ec', { namedCurve });
  const rsa = (modulusLength: number) => generate('rsa', { modulusLength });
  const making: readonly [ProfileKeyKind, Promise<{ privateKey: KeyObject }>, readonly CsrSigning[]][] = [
    ['rsa-4096', rsa(4096), [...pkcs1, ...pss]],
    ['rsa-3072', rsa(3072), [...pkcs1, ...pss]],
    ['rsa-2048', rsa(2048), [...pkcs1, ...pss]],
    ['rsa-2048', rsa(2048), [...pkcs1, ...pss]],
    ['ec-p256', ec('P-256'), ecdsa],
    ['ec-p256', ec('P-256'), ecdsa],
    ['ec-p384', ec('P-384'), ecdsa],
    ['ec-p521', ec('P-521'), ecdsa],
    ['ed25519', generate('ed25519'), ed25519],
  ];
  return Promise.all(
    making.map(async ([kind, pair, signings]) => {
      const { privateKey: key } = await pair;
      return { kind, key, spki: createPublicKey(key).export({ type: 'spki', format: 'der' }), signings };
    }),
  );
}

/** CertificationRequestInfo (RFC 2986 4.1) around a key. `subject` and `attributes` are whole elements. */
export function csrInfo(spki: Uint8Array, subject: Uint8Array, attributes: Uint8Array): Buffer {
  return tlv(0x30, hex('020100'), subject, spki, attributes);
}

export function signCsr(info: Uint8Array, key: KeyObject, { digest, options, algorithm }: CsrSigning): Buffer {
  const signature = sign(digest, info, { ...options, key });
  return tlv(0x30, info, algorithm, tlv(0x03, Buffer.of(0), signature));
}

const extensionRequest = hex('06092a864886f70d01090e');
/** CA:TRUE, keyCertSign, and a name: none of it is the client's to ask for in a CSR. */
const greedyExtensions = tlv(
  0x30,
  tlv(0x30, hex('0603551d13'), hex('0101ff'), tlv(0x04, hex('30030101ff'))),
  tlv(0x30, hex('0603551d0f'), hex('0101ff'), tlv(0x04, hex('03020106'))),
  tlv(0x30, hex('0603551d11'), tlv(0x04, tlv(0x30, tlv(0x82, Buffer.from('greedy.example.test'))))),
);
const challengePassword = tlv(0x30, hex('06092a864886f70d010907'), tlv(0x31, tlv(0x0c, Buffer.from('secret'))));

/** What a CSR may hold beside its key; none of it goes into a certificate. */
export const csrFillings: readonly { readonly subject: Buffer; readonly attributes: Buffer }[] = [
  { subject: tlv(0x30), attributes: hex('a000') },
  { subject: csrSubject('Somebody Else'), attributes: tlv(0xa0, challengePassword) },
  {
    subject: csrSubject('example.com'),
    attributes: tlv(0xa0, tlv(0x30, extensionRequest, tlv(0x31, greedyExtensions))),
  },
];

function csrSubject(commonName: string): Buffer {
  return tlv(0x30, tlv(0x31, tlv(0x30, hex('0603550403'), tlv(0x0c, Buffer.from(commonName)))));
}

/** A CSR that nothing is wrong with. */
export interface SoundCsr {
  readonly kind: ProfileKeyKind;
  readonly key: SubjectKey;
  readonly signing: CsrSigning;
  readonly der: Buffer;
}

/** Every key with every way to sign, and every filling. */
export function makeSoundCsrs(keys: readonly SubjectKey[]): readonly SoundCsr[] {
  return keys.flatMap((key) =>
    key.signings.flatMap((signing) =>
      csrFillings.map(({ subject, attributes }) => ({
        ...{ kind: key.kind, key, signing },
        der: signCsr(csrInfo(key.spki, subject, attributes), key.key, signing),
      })),
    ),
  );
}

/** The forms in which a CSR may be sent. */
export const csrForms: Readonly<Record<string, (der: Uint8Array) => string>> = {
  pem: (der) => pemOf(der, 'CERTIFICATE REQUEST', '\n'),
  'pem with CRLF': (der) => pemOf(der, 'CERTIFICATE REQUEST', '\r\n'),
  'pem, old label': (der) => pemOf(der, 'NEW CERTIFICATE REQUEST', '\n'),
  'base64 in one line': (der) => Buffer.from(der).toString('base64'),
  'base64 in lines': (der) => linesOf(der, 76).join('\n'),
};

function pemOf(der: Uint8Array, label: string, end: string): string {
  return [`-----BEGIN ${label}-----`, ...linesOf(der, 64), `-----END ${label}-----`, ''].join(end);
}

function linesOf(der: Uint8Array, width: number): readonly string[] {
  return (
    Buffer.from(der)
      .toString('base64')
      .match(new RegExp(`.{1,${width}}`, 'g')) ?? []
  );
}
