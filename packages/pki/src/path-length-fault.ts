import type { ProfileDocument } from './types.js';

/**
 * Why an issuer whose certificate has this pathLenConstraint may certify no CA by this document, or `undefined`.
 * RFC 5280 6.1.4 (l, m) counts down along the path: below an issuer with 0 there is no CA, and below any other each CA
 * has a smaller bound of its own, so that what its certificate says is what a relying party will accept.
 */
export function pathLengthFault(issuerBound: number | undefined, document: ProfileDocument): string | undefined {
  if (issuerBound === undefined) return undefined;
  if (issuerBound === 0) return 'the issuer’s path length is 0: it may certify no CA';
  const bound = document.basic_constraints?.path_length;
  if (bound === undefined) return `the issuer’s path length is ${issuerBound}, and ${document.name} sets none`;
  if (bound < issuerBound) return undefined;
  return `the issuer’s path length is ${issuerBound}, and that of ${document.name} must be smaller, not ${bound}`;
}
