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
export { formOfFormat } from './field-formats.js';
export type { Form } from './form.js';
export { caKeyKinds, profileKeyKinds } from './key-table.js';
export { lintCertificate, lintFixed, lintTbs, lintVariable } from './lint/lint.js';
export { lintRules } from './lint/lint-rules.js';
export type { LintContext, LintFinding, LintKind, LintRule, LintSeverity } from './lint/types.js';
export {
  checkProfile,
  type ProfileFinding,
  parseProfile,
  placeInProfile,
  profileFindingLines,
} from './parse-profile.js';
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
export { encodeSubject, isStatic, organizationalUnitsMax, subjectFieldFacts, subjectFields } from './subject.js';
export { nameForm, sanFields } from './subject-alternative-names.js';
export { stringTypeForm, typedCharactersMax } from './typed-values.js';
export * from './types.js';
export { checkValidity, type ValidityBounds, validityOf, validitySecondsMax } from './validity.js';
export { createVerifier } from './verifier.js';
