import { SluiceError } from '@sluice/errors';
import { type DerWriter, tags } from './der-writer.js';
import type { Finding, ProfileDocument, RequestedValidity } from './types.js';

/**
 * The validity of a certificate whose notBefore the claim has stored (already moved back by the profile's
 * `backdate_seconds`), with the ends that were asked for exactly as they were. Both ends are whole seconds; the last one
 * is inside (T2: notBefore + validity − 1 s). Throws `ca-expiring` when it would end after `issuerNotAfter`, which is
 * null for a CA that signs itself, and `validity-invalid` when it would have ended before the claim.
 */
export function validityOf(
  document: ProfileDocument,
  notBefore: Date,
  issuerNotAfter: Date | null,
  asked: RequestedValidity = {},
): { notBefore: Date; notAfter: Date } {
  const claimedMs = wholeSecondMs(notBefore) + document.backdate_seconds * 1000;
  const startMs = asked.not_before === undefined ? wholeSecondMs(notBefore) : Date.parse(asked.not_before);
  const endMs = endOf(document, startMs, asked);
  if (issuerNotAfter !== null && endMs > issuerNotAfter.getTime()) {
    throw new SluiceError('ca-expiring', undefined, {
      facts: { not_after: new Date(endMs).toISOString(), ca_not_after: issuerNotAfter.toISOString() },
    });
  }
  if (endMs < claimedMs) throw new SluiceError('validity-invalid', 'the end asked for had passed when its turn came');
  return { notBefore: new Date(startMs), notAfter: new Date(endMs) };
}

/** The longest life of a certificate by this document, asked for or not; seconds, both ends inside. */
export function validitySecondsMax(document: ProfileDocument): number {
  return document.requested_validity?.max_seconds ?? document.validity_seconds;
}

/** What the ends that are asked for are held against. */
export interface ValidityBounds {
  /** The request was, or is, accepted between these; where that leaves a doubt it is the request's. */
  readonly acceptedFrom: Date;
  readonly acceptedUntil: Date;
  /** The validity of the CA's own certificate, where it is to be compared here. */
  readonly issuer?: { readonly notBefore: Date; readonly notAfter: Date } | undefined;
}

/**
 * What a profile has to say against the ends that are asked for; empty when nothing. Pure. All bounds are inclusive. How
 * long a request waits for its turn changes nothing: without `not_before`, a life is counted from the one that it would
 * have if it were signed when it is accepted, so the wait takes from the life and never adds to it.
 */
export function checkValidity(
  document: ProfileDocument,
  asked: RequestedValidity | undefined,
  { acceptedFrom, acceptedUntil, issuer }: ValidityBounds,
): Finding[] {
  if (asked?.not_before === undefined && asked?.not_after === undefined) return [];
  const { requested_validity: rule, backdate_seconds: backdateSeconds } = document;
  if (rule === undefined) return [finding('/validity', 'is not taken by the profile')];
  const fromMs = wholeSecondMs(acceptedFrom);
  const untilMs = wholeSecondMs(acceptedUntil);
  const findings: Finding[] = [];
  const hold = (pointer: string, ms: number, firstMs: number, lastMs: number) => {
    if (ms < firstMs || ms > lastMs) {
      findings.push(finding(pointer, `must lie between ${text(firstMs)} and ${text(lastMs)}`));
    }
  };

  const startMs = asked.not_before === undefined ? undefined : Date.parse(asked.not_before);
  if (startMs !== undefined) {
    const firstMs = Math.max(fromMs - rule.back_seconds * 1000, issuer?.notBefore.getTime() ?? 0);
    hold('/validity/not_before', startMs, firstMs, untilMs + rule.ahead_seconds * 1000);
  }
  const lastOfIssuerMs = issuer?.notAfter.getTime() ?? Number.POSITIVE_INFINITY;
  if (asked.not_after === undefined) {
    if (startMs !== undefined && endOf(document, startMs, asked) < fromMs) {
      findings.push(finding('/validity/not_before', 'makes it end before it is issued'));
    }
    if (startMs !== undefined && endOf(document, startMs, asked) > lastOfIssuerMs) {
      findings.push(
        finding('/validity/not_before', `makes it end after its CA, whose last second is ${text(lastOfIssuerMs)}`),
      );
    }
    return findings;
  }
  const shortestMs = (startMs ?? fromMs - backdateSeconds * 1000) + (rule.min_seconds - 1) * 1000;
  const firstMs = Math.max(shortestMs, fromMs); // what has ended already is no validity
  const lastMs = (startMs ?? untilMs - backdateSeconds * 1000) + (rule.max_seconds - 1) * 1000;
  hold('/validity/not_after', Date.parse(asked.not_after), firstMs, Math.min(lastMs, lastOfIssuerMs));
  return findings;
}

function endOf(document: ProfileDocument, startMs: number, asked: RequestedValidity): number {
  return asked.not_after === undefined ? startMs + (document.validity_seconds - 1) * 1000 : Date.parse(asked.not_after);
}

function wholeSecondMs(time: Date): number {
  return Math.floor(time.getTime() / 1000) * 1000;
}

function finding(pointer: string, detail: string): Finding {
  return { pointer, code: 'validity-invalid', detail };
}

function text(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
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
