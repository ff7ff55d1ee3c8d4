import type { CertificateView } from './certificate-view.js';
import { type DerNode, derTags } from './der.js';

export interface BasicConstraintsView {
  readonly ca: boolean;
  /** Is cA written out as FALSE, its DEFAULT? */
  readonly writtenFalse: boolean;
  readonly pathLength: DerNode | undefined;
}

/** Reads basicConstraints; `undefined` when it is absent or no BasicConstraints (RFC 5280 4.2.1.9). */
export function basicConstraintsOf(certificate: CertificateView): BasicConstraintsView | undefined {
  const { der } = certificate;
  const parts = der.sequence(certificate.valueOf('basicConstraints'));
  if (parts === undefined) return undefined;
  const flag = parts[0]?.tag === derTags.boolean ? parts[0] : undefined;
  const rest = flag === undefined ? parts : parts.slice(1);
  const [pathLength] = rest;
  if (rest.length > 1 || (pathLength !== undefined && pathLength.tag !== derTags.integer)) return undefined;
  const ca = flag !== undefined && der.bytes[flag.content] !== 0;
  return { ca, writtenFalse: flag !== undefined && !ca, pathLength };
}
