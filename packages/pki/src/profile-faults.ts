import { customExtensionFault } from './custom-extensions.js';
import { anyExtendedKeyUsage, extendedKeyUsageOid, extendedKeyUsageOids, isOid } from './extension-names.js';
import { keyFamily } from './key-table.js';
import { daySeconds } from './profile-schema.js';
import { hasField, isStatic, subjectFields, subjectValueFault } from './subject.js';
import { sanFields } from './subject-alternative-names.js';
import type { ProfileDocument } from './types.js';
import { uriFault } from './uri-fault.js';

/** A fault at a place of the document. */
export interface ProfileFault {
  readonly path: readonly PropertyKey[];
  readonly detail: string;
}

/** Longest validity by purpose, in days. An OCSP signer cannot be revoked (nocheck), so it lives short (S3). */
const validityDaysMax = { subscriber: 3660, 'ocsp-signer': 90, 'ca-certificate': 14_640 } as const;

/** What is wrong between the parts of a document that has the right form (T5, S2, S4). Pure. */
export function profileFaults(document: ProfileDocument): ProfileFault[] {
  return [
    ...validityFaults(document),
    ...subjectFaults(document),
    ...typedFaults(document),
    ...keyUsageFaults(document),
    ...extendedKeyUsageFaults(document),
    ...policyFaults(document),
    ...customExtensionFaults(document),
    ...noRevAvailFaults(document),
    ...urlFaults(document),
    ...purposeFaults(document),
  ];
}

function validityFaults(document: ProfileDocument): ProfileFault[] {
  const faults: ProfileFault[] = [];
  const daysMax = validityDaysMax[document.purpose];
  if (document.validity_seconds > daysMax * daySeconds) {
    faults.push({ path: ['validity_seconds'], detail: `must be at most ${daysMax} days for ${document.purpose}` });
  }
  if (document.backdate_seconds >= document.validity_seconds) {
    faults.push({ path: ['backdate_seconds'], detail: 'must be less than validity_seconds' });
  }
  return [...faults, ...requestedValidityFaults(document, daysMax)];
}

function requestedValidityFaults(document: ProfileDocument, daysMax: number): ProfileFault[] {
  const { purpose, requested_validity: requested, validity_seconds: seconds } = document;
  if (requested === undefined) return [];
  if (purpose !== 'subscriber') return [{ path: ['requested_validity'], detail: 'is for subscriber profiles only' }];
  const faults: ProfileFault[] = [];
  const { min_seconds: min, max_seconds: max } = requested;
  if (max > daysMax * daySeconds) {
    faults.push({ path: ['requested_validity', 'max_seconds'], detail: `must be at most ${daysMax} days` });
  }
  if (min > max) {
    faults.push({ path: ['requested_validity', 'min_seconds'], detail: 'must not be more than max_seconds' });
  } else if (seconds < min || seconds > max) {
    const detail = `is what nobody may ask for: requested_validity takes ${min} to ${max}`;
    faults.push({ path: ['validity_seconds'], detail });
  }
  return faults;
}

function subjectFaults(document: ProfileDocument): ProfileFault[] {
  const faults: ProfileFault[] = [];
  for (const field of subjectFields) {
    const rule = document.subject[field];
    const fault = isStatic(rule) ? subjectValueFault(field, rule.static) : undefined;
    if (fault !== undefined) faults.push({ path: ['subject', field, 'static'], detail: fault });
  }
  for (const field of sanFields) {
    const rule = document.san[field];
    if (rule !== undefined && rule.rule !== 'forbidden' && rule.max === 0) {
      faults.push({ path: ['san', field, 'max'], detail: 'must be at least 1 where names are allowed' });
    }
  }
  return faults;
}

function typedFaults(document: ProfileDocument): ProfileFault[] {
  return (['extra_attributes', 'other_names'] as const).flatMap((member) => {
    const rules = document[member];
    if (rules === undefined) return [];
    if (document.purpose !== 'subscriber') return [{ path: [member], detail: 'is for subscriber profiles only' }];
    const faults = repeated(
      rules.map(({ oid }) => oid),
      member,
    );
    rules.forEach(({ oid }, index) => {
      const at = (detail: string) => faults.push({ path: [member, index, 'oid'], detail });
      if (!isOid(oid)) at('must be a dotted OBJECT IDENTIFIER');
      else if (member === 'extra_attributes' && hasField(oid)) at('has a field of its own in `subject`');
    });
    return faults;
  });
}

function keyUsageFaults(document: ProfileDocument): ProfileFault[] {
  const usages = document.key_usage;
  const faults = repeated(usages, 'key_usage');
  usages.forEach((usage, index) => {
    const at = (detail: string) => faults.push({ path: ['key_usage', index], detail });
    const forCa = usage === 'keyCertSign' || usage === 'cRLSign';
    if (forCa && document.purpose !== 'ca-certificate') at('is for ca-certificate profiles only');
    // RFC 8813 3: an EC key neither encrypts nor decrypts; RFC 3279 2.3.1: an RSA key agrees on nothing; RFC 9295 3: an
    // Ed25519 key does neither.
    const enciphers = usage === 'keyEncipherment' || usage === 'dataEncipherment';
    const needed = enciphers ? 'rsa' : usage === 'keyAgreement' ? 'ec' : undefined;
    const unfit = document.keys.filter((kind) => needed !== undefined && keyFamily(kind) !== needed);
    if (unfit.length > 0) at(`does not go with ${unfit.join(', ')} keys`);
    const refines = usage === 'encipherOnly' || usage === 'decipherOnly';
    if (refines && !usages.includes('keyAgreement')) at('has a meaning only beside keyAgreement');
  });
  return [...faults, ...repeated(document.keys, 'keys')];
}

function extendedKeyUsageFaults(document: ProfileDocument): ProfileFault[] {
  const faults = repeated(
    document.extended_key_usage.map((usage) => extendedKeyUsageOid(usage) ?? usage),
    'extended_key_usage',
  );
  document.extended_key_usage.forEach((usage, index) => {
    const at = (detail: string) => faults.push({ path: ['extended_key_usage', index], detail });
    const oid = extendedKeyUsageOid(usage);
    if (usage === 'anyExtendedKeyUsage' || oid === anyExtendedKeyUsage) at('is never allowed');
    else if (oid === undefined) at(`must be a dotted number or one of ${Object.keys(extendedKeyUsageOids).join(', ')}`);
    else if (oid === extendedKeyUsageOids.OCSPSigning && document.purpose !== 'ocsp-signer') {
      at('is for ocsp-signer profiles only');
    } else if (oid === extendedKeyUsageOids.timeStamping && document.extended_key_usage.length > 1) {
      at('must stand alone (RFC 3161 2.3)');
    }
  });
  return faults;
}

function policyFaults(document: ProfileDocument): ProfileFault[] {
  const oids = document.policies.map((policy) => (typeof policy === 'string' ? policy : policy.oid));
  const faults = repeated(oids, 'policies');
  document.policies.forEach((policy, index) => {
    const path = ['policies', index, ...(typeof policy === 'string' ? [] : ['oid'])];
    if (!isOid(oids[index] ?? '')) faults.push({ path, detail: 'must be a dotted OBJECT IDENTIFIER' });
    // Read by people, after the fact: https is as good here as http.
    if (typeof policy === 'object' && policy.cps !== undefined && !isPlainUrl(policy.cps, ['http:', 'https:'])) {
      faults.push({ path: ['policies', index, 'cps'], detail: 'must be an absolute http:// or https:// URL in ASCII' });
    }
  });
  return faults;
}

function customExtensionFaults({ extensions = [] }: ProfileDocument): ProfileFault[] {
  const faults = repeated(
    extensions.map(({ oid }) => oid),
    'extensions',
  );
  extensions.forEach((extension, index) => {
    const fault = customExtensionFault(extension);
    if (fault !== undefined) faults.push({ path: ['extensions', index, fault.member], detail: fault.detail });
  });
  return faults;
}

/** RFC 9608 4: whoever says that nothing will be revoked names no place where to ask, and is no CA. */
function noRevAvailFaults(document: ProfileDocument): ProfileFault[] {
  if (document.no_rev_avail === undefined) return [];
  const path = ['no_rev_avail'];
  if (document.purpose !== 'subscriber') return [{ path, detail: 'is for subscriber profiles only' }];
  const asks = document.aia?.ocsp !== undefined || document.crl_distribution_point !== undefined;
  return asks ? [{ path, detail: 'does not go with aia.ocsp or crl_distribution_point' }] : [];
}

/** Plain http: whoever checks a certificate to make a TLS connection must not need another one (RFC 5280 8). */
function urlFaults(document: ProfileDocument): ProfileFault[] {
  const places: [path: string[], url: string | undefined][] = [
    [['aia', 'ocsp'], document.aia?.ocsp],
    [['aia', 'ca_issuers'], document.aia?.ca_issuers],
    [['crl_distribution_point'], document.crl_distribution_point],
  ];
  return places
    .filter(([, url]) => url !== undefined && !isPlainUrl(url ?? '', ['http:']))
    .map(([path]) => ({ path, detail: 'must be an absolute http:// URL in ASCII, without credentials or fragment' }));
}

function isPlainUrl(text: string, protocols: readonly string[]): boolean {
  const isUri = uriFault(text) === undefined && !text.includes('#');
  return isUri && protocols.some((protocol) => text.startsWith(`${protocol}//`));
}

function purposeFaults(document: ProfileDocument): ProfileFault[] {
  if (document.purpose === 'ca-certificate') return caFaults(document);
  const faults: ProfileFault[] = [];
  if (document.basic_constraints !== undefined) {
    faults.push({ path: ['basic_constraints'], detail: 'is for ca-certificate profiles only' });
  }
  return document.purpose === 'ocsp-signer' ? [...faults, ...ocspSignerFaults(document)] : faults;
}

function caFaults(document: ProfileDocument): ProfileFault[] {
  const faults: ProfileFault[] = [];
  if (document.basic_constraints === undefined) {
    faults.push({ path: ['basic_constraints'], detail: 'is required in a ca-certificate profile' });
  }
  if (!document.key_usage.includes('keyCertSign')) {
    faults.push({ path: ['key_usage'], detail: 'must hold keyCertSign in a ca-certificate profile' });
  }
  return faults;
}

/** S2: what an OCSP signer's certificate holds, and nothing else. */
function ocspSignerFaults(document: ProfileDocument): ProfileFault[] {
  const faults: ProfileFault[] = [];
  const refuse = (member: keyof ProfileDocument, detail: string) => faults.push({ path: [member], detail });
  if (document.key_usage.join() !== 'digitalSignature') {
    refuse('key_usage', 'must be digitalSignature alone in an ocsp-signer profile');
  }
  if (document.extended_key_usage.map(extendedKeyUsageOid).join() !== extendedKeyUsageOids.OCSPSigning) {
    refuse('extended_key_usage', 'must be OCSPSigning alone in an ocsp-signer profile');
  }
  if (Object.values(document.san).some((rule) => rule.rule !== 'forbidden')) {
    refuse('san', 'must allow no names in an ocsp-signer profile');
  }
  if (document.policies.length > 0) refuse('policies', 'must be empty in an ocsp-signer profile');
  if (document.aia !== undefined) refuse('aia', 'has no place in an ocsp-signer profile');
  if (document.extensions !== undefined) refuse('extensions', 'has no place in an ocsp-signer profile');
  if (document.crl_distribution_point !== undefined) {
    refuse('crl_distribution_point', 'has no place in an ocsp-signer profile');
  }
  return faults;
}

function repeated(values: readonly string[], member: string): ProfileFault[] {
  return values.flatMap((value, index) =>
    values.indexOf(value) < index ? [{ path: [member, index], detail: 'stands there twice' }] : [],
  );
}
