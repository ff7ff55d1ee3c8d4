export { assembleCertificate, type CertificateFacts, readCertificate, toPem } from './certificate.js';
export { checkContent } from './check-content.js';
export { checkPublicKey, publicKeyHash } from './check-public-key.js';
export { compileTemplate } from './compile-template.js';
export { compilerVersion } from './compiler-version.js';
export {
  applyStatics,
  canonicalContent,
  fingerprint,
  parseContent,
  sanSchema,
  subjectDnSchema,
  validitySchema,
} from './content.js';
export { csrBytesMax, type ParsedCsr, parseCsr, verifyCsr } from './csr.js';
export { diffProfiles, type ProfileChange } from './diff-profiles.js';
export { caKeyKinds, profileKeyKinds } from './key-table.js';
export { lintCertificate, lintFixed, lintTbs, lintVariable } from './lint/lint.js';
export { lintRules } from './lint/lint-rules.js';
export type { LintContext, LintFinding, LintKind, LintRule, LintSeverity } from './lint/types.js';
export { checkProfile, type ProfileFinding, parseProfile, profileFindingLines } from './parse-profile.js';
export { pathLengthFault } from './path-length-fault.js';
export {
  type BroughtKey,
  type ProofMessage,
  parsePublicKey,
  proofMessage,
  publicKeyCharactersMax,
  verifyProof,
} from './possession.js';
export { profileJsonSchema } from './profile-json-schema.js';
export { keyKindOf } from './public-key.js';
export { makeSerial, serialRandomBytes } from './serial.js';
export { encodeSubject } from './subject.js';
export * from './types.js';
export { checkValidity, type ValidityBounds, validityOf, validitySecondsMax } from './validity.js';
export { createVerifier } from './verifier.js';
