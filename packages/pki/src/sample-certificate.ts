import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { customExtensionValue } from './custom-extensions.js';
import {
  extendedKeyUsageOid,
  extendedKeyUsageOids,
  extensionTable,
  type KeyUsage,
  keyUsageBits,
} from './extension-names.js';
import { type SignatureAlgorithm, signatureTable } from './key-table.js';
import { encodeSubject, isSubjectEmpty } from './subject.js';
import { ipAddressOctets, isSanEmpty } from './subject-alternative-names.js';
import { typedWriters } from './typed-values.js';
import type { PolicyRule, ProfileDocument, RequestContent, San, TypedRule } from './types.js';
import { isUtcTime } from './validity.js';

/** Everything that one certificate is made of. */
export interface SampleInput {
  readonly document: ProfileDocument;
  readonly issuerDer: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly authorityKeyIdentifier: Uint8Array;
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly content: RequestContent;
  readonly spki: Uint8Array;
  readonly subjectKeyIdentifier: Uint8Array;
}

/**
 * A TBSCertificate made by PKI.js alone, DER: what templates are cut from and proved against. About half a
 * millisecond; the hot path only fills templates.
 */
export function sampleTbs(input: SampleInput): Uint8Array {
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ valueHex: bufferOf(input.serial) }),
    signature: algorithmIdentifier(input.signatureAlgorithm),
    // Names as they are: PKI.js would put all attributes into one RDN.
    issuer: pkijs.RelativeDistinguishedNames.fromBER(bufferOf(input.issuerDer)),
    notBefore: time(input.notBefore),
    notAfter: time(input.notAfter),
    subject: pkijs.RelativeDistinguishedNames.fromBER(
      bufferOf(encodeSubject(input.content.subject_dn, typedWriters(input.document.extra_attributes))),
    ),
    subjectPublicKeyInfo: pkijs.PublicKeyInfo.fromBER(bufferOf(input.spki)),
    extensions: extensions(input),
  });
  return new Uint8Array(certificate.encodeTBS().toBER());
}

/** As `signatureTable` says, made by PKI.js: RSA with an explicit NULL, the others without parameters (O10). */
export function algorithmIdentifier(algorithm: SignatureAlgorithm): pkijs.AlgorithmIdentifier {
  const { oid: algorithmId } = signatureTable[algorithm];
  return algorithm === 'rsa-sha256'
    ? new pkijs.AlgorithmIdentifier({ algorithmId, algorithmParams: new asn1js.Null() })
    : new pkijs.AlgorithmIdentifier({ algorithmId });
}

function time(value: Date): pkijs.Time {
  return new pkijs.Time({ type: isUtcTime(value) ? pkijs.TimeType.UTCTime : pkijs.TimeType.GeneralizedTime, value });
}

function extensions(input: SampleInput): pkijs.Extension[] {
  const { document, content } = input;
  const { aia, basic_constraints: basic, crl_distribution_point: crlUrl } = document;
  const keyIdentifier = new asn1js.OctetString({ valueHex: bufferOf(input.authorityKeyIdentifier) });
  const values: Record<keyof typeof extensionTable, asn1js.BaseBlock | false> = {
    authorityKeyIdentifier: new pkijs.AuthorityKeyIdentifier({ keyIdentifier }).toSchema(),
    subjectKeyIdentifier: new asn1js.OctetString({ valueHex: bufferOf(input.subjectKeyIdentifier) }),
    keyUsage: keyUsage(document.key_usage),
    basicConstraints: basic !== undefined && basicConstraints(basic.path_length),
    extendedKeyUsage: document.extended_key_usage.length > 0 && extendedKeyUsage(document.extended_key_usage),
    certificatePolicies: document.policies.length > 0 && certificatePolicies(document.policies),
    crlDistributionPoints: crlUrl !== undefined && crlDistributionPoints(crlUrl),
    authorityInfoAccess: aia !== undefined && authorityInfoAccess(aia),
    subjectAltName: !isSanEmpty(content.san) && generalNames(content.san, document.other_names ?? []),
    noRevAvail: document.no_rev_avail === true && new asn1js.Null(),
    ocspNoCheck: document.purpose === 'ocsp-signer' && new asn1js.Null(),
  };
  const criticalHere: Partial<Record<string, boolean>> = {
    subjectAltName: isSubjectEmpty(content.subject_dn),
    extendedKeyUsage: document.extended_key_usage.map(extendedKeyUsageOid).includes(extendedKeyUsageOids.timeStamping),
  };
  const fromTable = Object.entries(extensionTable).flatMap(([name, { oid, critical }]) => {
    const value = values[name as keyof typeof extensionTable];
    if (value === false) return [];
    const isCritical = critical || criticalHere[name] === true;
    return [new pkijs.Extension({ extnID: oid, critical: isCritical, extnValue: value.toBER() })];
  });
  const own = (document.extensions ?? []).map(
    (custom) =>
      new pkijs.Extension({ extnID: custom.oid, critical: custom.critical, extnValue: customExtensionValue(custom) }),
  );
  return [...fromTable, ...own];
}

/** A named bit list: trailing zero bits are left off (X.690 11.2.2). */
function keyUsage(usages: readonly string[]): asn1js.BitString {
  const octets = [0, 0];
  for (const usage of usages) {
    const bit = keyUsageBits[usage as KeyUsage];
    octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  }
  const used = octets[1] === 0 ? octets.slice(0, 1) : octets;
  const last = used.at(-1) ?? 0;
  const unusedBits = 31 - Math.clz32(last & -last);
  return new asn1js.BitString({ valueHex: Uint8Array.from(used).buffer, unusedBits });
}

function basicConstraints(pathLength: number | undefined): asn1js.Sequence {
  return new pkijs.BasicConstraints({
    cA: true,
    ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
  }).toSchema();
}

function extendedKeyUsage(usages: readonly string[]): asn1js.Sequence {
  const keyPurposes = usages.map((usage) => extendedKeyUsageOid(usage) ?? usage);
  return new pkijs.ExtKeyUsage({ keyPurposes }).toSchema();
}

function certificatePolicies(policies: readonly PolicyRule[]): asn1js.Sequence {
  const certificatePolicies = policies.map((policy) => {
    if (typeof policy === 'string') return new pkijs.PolicyInformation({ policyIdentifier: policy });
    const cps = policy.cps === undefined ? [] : [policy.cps];
    // RFC 5280 4.2.1.4: id-qt-cps, an IA5String.
    const policyQualifiers = cps.map(
      (value) =>
        new pkijs.PolicyQualifierInfo({
          policyQualifierId: '1.3.6.1.5.5.7.2.1',
          qualifier: new asn1js.IA5String({ value }),
        }),
    );
    const qualifiers = policyQualifiers.length > 0 ? { policyQualifiers } : {};
    return new pkijs.PolicyInformation({ policyIdentifier: policy.oid, ...qualifiers });
  });
  return new pkijs.CertificatePolicies({ certificatePolicies }).toSchema();
}

function crlDistributionPoints(url: string): asn1js.Sequence {
  const point = new pkijs.DistributionPoint({ distributionPoint: [uriName(url)] });
  return new pkijs.CRLDistributionPoints({ distributionPoints: [point] }).toSchema();
}

function authorityInfoAccess(aia: NonNullable<ProfileDocument['aia']>): asn1js.Sequence {
  const methods = [
    ['1.3.6.1.5.5.7.48.1', aia.ocsp],
    ['1.3.6.1.5.5.7.48.2', aia.ca_issuers],
  ] as const;
  const accessDescriptions = methods.flatMap(([accessMethod, url]) =>
    url === undefined ? [] : [new pkijs.AccessDescription({ accessMethod, accessLocation: uriName(url) })],
  );
  return new pkijs.InfoAccess({ accessDescriptions }).toSchema();
}

function generalNames(san: San, rules: readonly TypedRule[]): asn1js.Sequence {
  const names = [
    ...(san.dns_names ?? []).map((value) => new pkijs.GeneralName({ type: 2, value })),
    ...(san.emails ?? []).map((value) => new pkijs.GeneralName({ type: 1, value })),
    ...(san.ip_addresses ?? []).map((address) => {
      const value = new asn1js.OctetString({ valueHex: bufferOf(ipAddressOctets(address)) });
      return new pkijs.GeneralName({ type: 7, value });
    }),
    ...(san.uris ?? []).map(uriName),
  ];
  const others = rules.flatMap((rule) =>
    (san.other_names ?? []).filter(({ type }) => type === rule.oid).map(({ value }) => otherName(rule, value)),
  );
  const { valueBlock } = new pkijs.GeneralNames({ names }).toSchema();
  return new asn1js.Sequence({ value: [...valueBlock.value, ...others] });
}

/** By asn1js alone: PKI.js puts a SEQUENCE into the name, whose tag is implicit. */
function otherName({ oid, type }: TypedRule, value: string): asn1js.Constructed {
  const context = { tagClass: 3, tagNumber: 0 };
  const strings = { utf8: asn1js.Utf8String, printable: asn1js.PrintableString, ia5: asn1js.IA5String };
  const inner = new asn1js.Constructed({ idBlock: context, value: [new strings[type]({ value })] });
  return new asn1js.Constructed({ idBlock: context, value: [new asn1js.ObjectIdentifier({ value: oid }), inner] });
}

function uriName(value: string): pkijs.GeneralName {
  return new pkijs.GeneralName({ type: 6, value });
}

/** A copy as the ArrayBuffer that PKI.js takes; never the pool that a Buffer may lie in. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
