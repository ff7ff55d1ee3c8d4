import { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ProfileDocument } from '@sluice/pki';
import {
  certificateTree,
  expectedCertificate,
  type IssuerFacts,
  issuerFactsOf,
  notAfterOf,
  type Order,
} from './expected-certificate.js';
import { assertChainOf, type InputAnswer } from './input-system.js';
import type { Tree } from './tree.js';

interface Identity {
  readonly serial: string;
  readonly signing_cert: string;
  readonly chain: readonly string[];
  readonly not_before: string;
  readonly not_after: string;
}

const issuers = new Map<string, IssuerFacts>();

/**
 * What in a 201 is not exactly what was asked for, what the profile fixes, and a signature of its CA. `order` as it was
 * sent; `spki` the key of its CSR.
 */
export function certificateFaults(
  document: ProfileDocument,
  order: Order,
  spki: Uint8Array,
  answer: InputAnswer,
): string[] {
  const { serial, signing_cert: pem, chain, not_before, not_after } = answer.body as unknown as Identity;
  const notBefore = new Date(not_before);
  const issuer = issuerOf(document.ca, chain);
  const expected = expectedCertificate({ document, order, spki, issuer, serial, notBefore });
  const certificate = new X509Certificate(pem);
  const faults = treeFaults(certificateTree(certificate.raw), expected);
  if (!certificate.verify(new X509Certificate(chain[0] ?? '').publicKey)) faults.push('it is not signed by its CA');
  // By the ledger's clock, which is this machine's here; whole seconds.
  const claimedAt = notBefore.getTime() + document.backdate_seconds * 1000;
  const asked = order.validity?.not_before;
  const isRight =
    asked === undefined
      ? claimedAt >= answer.sentAt - 1000 && claimedAt <= answer.endedAt
      : Date.parse(asked) === notBefore.getTime();
  if (!isRight) faults.push(`notBefore ${not_before}`);
  if (Date.parse(not_after) !== notAfterOf(document, order.validity, notBefore).getTime()) {
    faults.push(`not_after ${not_after}`);
  }
  if (!/^[4-7][0-9a-f]{31}$/.test(serial)) faults.push(`serial ${serial}`);
  return faults;
}

function issuerOf(ca: string, chain: readonly string[]): IssuerFacts {
  const key = [ca, ...chain].join();
  const known = issuers.get(key);
  if (known !== undefined) return known;
  assertChainOf(ca, chain);
  const facts = issuerFactsOf(chain[0] ?? '');
  issuers.set(key, facts);
  return facts;
}

/** Where the two differ, with both sides. */
export function treeFaults(actual: Tree, expected: Tree, path = ''): string[] {
  if (isDeepStrictEqual(actual, expected)) return [];
  const [mine, theirs] = [actual[1], expected[1]];
  if (
    actual[0] !== expected[0] ||
    typeof mine === 'string' ||
    typeof theirs === 'string' ||
    mine.length !== theirs.length
  ) {
    return [`${path || 'it'} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`];
  }
  return mine.flatMap((element, index) => treeFaults(element, theirs[index] ?? ['nothing', ''], `${path}/${index}`));
}
