import { basicConstraintsRules } from './rules/basic-constraints.js';
import { derRules } from './rules/der-rules.js';
import { distributionRules } from './rules/distribution.js';
import { extendedKeyUsageRules } from './rules/extended-key-usage.js';
import { extensionRules } from './rules/extensions.js';
import { keyIdentifierRules } from './rules/key-identifiers.js';
import { keyUsageRules } from './rules/key-usage.js';
import { nameConstraintRules } from './rules/name-constraints.js';
import { nameRulesOfBoth } from './rules/names.js';
import { ocspSignerRules } from './rules/ocsp-signer.js';
import { policyRules } from './rules/policies.js';
import { policyConstraintRules } from './rules/policy-constraints.js';
import { publicKeyRules } from './rules/public-key.js';
import { revocationRules } from './rules/revocation.js';
import { signatureAlgorithmRules } from './rules/signature-algorithm.js';
import { subjectAltNameRules } from './rules/subject-alt-name.js';
import { validityRules } from './rules/validity.js';
import { versionAndSerialRules } from './rules/version-and-serial.js';
import type { LintRule } from './types.js';

/** Every rule, in the order of a certificate's members. Names are unique and stable: people and tests refer to them. */
export const lintRules: readonly LintRule[] = [
  ...derRules,
  ...versionAndSerialRules,
  ...signatureAlgorithmRules,
  ...nameRulesOfBoth,
  ...validityRules,
  ...publicKeyRules,
  ...extensionRules,
  ...keyIdentifierRules,
  ...keyUsageRules,
  ...basicConstraintsRules,
  ...extendedKeyUsageRules,
  ...policyRules,
  ...policyConstraintRules,
  ...subjectAltNameRules,
  ...nameConstraintRules,
  ...distributionRules,
  ...revocationRules,
  ...ocspSignerRules,
];
