import * as asn1js from 'asn1js';
import { DerReader } from './der-reader.js';
import { extensionTable, isOid } from './extension-names.js';
import type { CustomExtension } from './types.js';

/** Octets of the value of one extension, more than any known extension needs. */
const hexOctetsMax = 4096;

/** OIDs that no profile may write freely, beside the whole arc of `id-ce`: what they say follows from other members. */
const reserved: ReadonlySet<string> = new Set([
  ...Object.values(extensionTable).map(({ oid }) => oid),
  // RFC 6962: the poison of a precertificate, and SCTs, which only a log can give.
  '1.3.6.1.4.1.11129.2.4.2',
  '1.3.6.1.4.1.11129.2.4.3',
]);

/** Why this cannot be an extension of a profile's own: the member at fault and what is wrong. `undefined` when it can. */
export function customExtensionFault(extension: CustomExtension): { member: string; detail: string } | undefined {
  const { oid } = extension;
  if (!isOid(oid)) return { member: 'oid', detail: 'must be a dotted OBJECT IDENTIFIER' };
  if (oid.startsWith('2.5.29.') || reserved.has(oid)) {
    return { member: 'oid', detail: 'is an extension that follows from other members, or none for profiles' };
  }
  if (extension.type === 'oid' && !isOid(extension.value)) {
    return { member: 'value', detail: 'must be a dotted OBJECT IDENTIFIER' };
  }
  if (extension.type === 'ia5' && !/^[ -~]*$/.test(extension.value)) {
    return { member: 'value', detail: 'must be printable ASCII' };
  }
  if (extension.type === 'utf8' && /[\p{Cc}\p{Cs}]/u.test(extension.value)) {
    return { member: 'value', detail: 'must not hold control characters' };
  }
  if (extension.type === 'hex' && !isDer(extension.value)) {
    return { member: 'value', detail: `must be one DER value in lower-case hex, of at most ${hexOctetsMax} octets` };
  }
  return undefined;
}

function isDer(text: string): boolean {
  if (text.length > 2 * hexOctetsMax || text.length % 2 !== 0 || !/^[0-9a-f]+$/.test(text)) return false;
  const bytes = Buffer.from(text, 'hex');
  try {
    new DerReader(bytes, 'profile-invalid').whole(bytes[0] ?? 0, 'the extension');
    return true;
  } catch {
    // The reader's only error: it is not DER. The caller says so at its place in the document.
    return false;
  }
}

/** Content of its OCTET STRING, DER. */
export function customExtensionValue(extension: CustomExtension): ArrayBuffer {
  switch (extension.type) {
    case 'utf8':
      return new asn1js.Utf8String({ value: extension.value }).toBER();
    case 'ia5':
      return new asn1js.IA5String({ value: extension.value }).toBER();
    case 'integer':
      return asn1js.Integer.fromBigInt(BigInt(extension.value)).toBER();
    case 'boolean':
      return new asn1js.Boolean({ value: extension.value }).toBER();
    case 'null':
      return new asn1js.Null().toBER();
    case 'oid':
      return new asn1js.ObjectIdentifier({ value: extension.value }).toBER();
    case 'hex':
      return new Uint8Array(Buffer.from(extension.value, 'hex')).buffer;
  }
}
