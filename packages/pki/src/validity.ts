import { SluiceError } from '@sluice/errors';
import { type DerWriter, tags } from './der-writer.js';
import type { ProfileDocument } from './types.js';

/**
 * The validity of a certificate whose notBefore the claim has stored (already moved back by the profile's
 * `backdate_seconds`). Both ends are whole seconds; the last one is inside (T2: notBefore + validity − 1 s).
 * Throws `ca-expiring` when it would end after `issuerNotAfter`, which is null for a CA that signs itself.
 */
export function validityOf(
  document: ProfileDocument,
  notBefore: Date,
  issuerNotAfter: Date | null,
): { notBefore: Date; notAfter: Date } {
  const startMs = Math.floor(notBefore.getTime() / 1000) * 1000;
  const endMs = startMs + (document.validity_seconds - 1) * 1000;
  if (issuerNotAfter !== null && endMs > issuerNotAfter.getTime()) {
    throw new SluiceError('ca-expiring', undefined, {
      facts: { not_after: new Date(endMs).toISOString(), ca_not_after: issuerNotAfter.toISOString() },
    });
  }
  return { notBefore: new Date(startMs), notAfter: new Date(endMs) };
}

/** Puts a Time in front: UTCTime to 2049, GeneralizedTime from 2050, whole seconds (RFC 5280 4.1.2.5). */
export function writeTime(writer: DerWriter, time: Date): void {
  const year = time.getUTCFullYear();
  if (!(year >= 1950 && year <= 9999)) throw new SluiceError('internal', 'a time outside 1950–9999 cannot be written');
  const mark = writer.mark;
  writer.octet(0x5a); // Z
  twoDigits(writer, time.getUTCSeconds());
  twoDigits(writer, time.getUTCMinutes());
  twoDigits(writer, time.getUTCHours());
  twoDigits(writer, time.getUTCDate());
  twoDigits(writer, time.getUTCMonth() + 1);
  twoDigits(writer, year % 100);
  if (isUtcTime(time)) {
    writer.wrap(tags.utcTime, mark);
  } else {
    twoDigits(writer, Math.floor(year / 100));
    writer.wrap(tags.generalizedTime, mark);
  }
}

/** Which of the two forms a Time takes. */
export function isUtcTime(time: Date): boolean {
  return time.getUTCFullYear() <= 2049;
}

function twoDigits(writer: DerWriter, value: number): void {
  writer.octet(0x30 + (value % 10));
  writer.octet(0x30 + Math.floor(value / 10));
}

/** Reads the content of a UTCTime or GeneralizedTime in the only form that RFC 5280 allows; `undefined` otherwise. */
export function readTime(tag: number, content: Uint8Array): Date | undefined {
  const text = Buffer.from(content).toString('latin1');
  const parts = /^(\d{2})?(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (parts === null || (parts[1] === undefined) !== (tag === tags.utcTime)) return undefined;
  const [century, year, month, day, hour, minute, second] = parts.slice(1);
  const full = century === undefined ? (Number(year) >= 50 ? `19${year}` : `20${year}`) : `${century}${year}`;
  const time = new Date(`${full}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
