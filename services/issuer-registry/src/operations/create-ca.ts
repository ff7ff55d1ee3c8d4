import { SluiceError } from '@sluice/errors';
import { refusal } from '@sluice/issuance';
import type { RegistryState, RegistryStore } from '@sluice/ledger';
import {
  applyStatics,
  canonicalContent,
  checkContent,
  checkProfile,
  encodeSubject,
  type ProfileDocument,
  type SubjectDn,
} from '@sluice/pki';
import type { CreateCaAnswer, CreateCaBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { checkIssuerBounds } from './check-issuer-bounds.js';
import { checkProfileLint } from './lint-profile.js';
import { readProfile } from './read-profile.js';

type NewCa = Parameters<RegistryStore['createCa']>[1];
/** Who certifies it, and by which document. */
interface Certified extends Pick<NewCa, 'issuer' | 'certificateProfile' | 'selfProfile'> {
  readonly document: ProfileDocument;
}

/** A root signs itself, by the profile it brings. */
function asRoot(body: CreateCaBody, selfProfileYaml: string): Certified {
  const selfProfile = readProfile(selfProfileYaml, '/self_profile');
  const fault =
    selfProfile.purpose !== 'ca-certificate'
      ? `its purpose is ${selfProfile.purpose}, not ca-certificate`
      : selfProfile.ca !== body.name
        ? `its ca is ${selfProfile.ca}, not ${body.name}`
        : undefined;
  if (fault !== undefined) {
    throw new SluiceError('profile-invalid', `The profile of a root is made for that root alone: ${fault}`, {
      facts: { pointer: '/self_profile' },
    });
  }
  const document = checkProfile(selfProfile.document);
  return { issuer: body.name, certificateProfile: selfProfile.name, selfProfile, document };
}

function unusableProfile(profileName: string, fault: string): SluiceError {
  return new SluiceError('profile-unknown', `The profile ${profileName} ${fault}`, {
    facts: { pointer: '/profile', what_to_do: 'Name a profile of the issuer with the purpose ca-certificate.' },
  });
}

/** Another CA signs it, by one of that CA's own profiles. A pending issuer is fine: the certificate waits for it. */
function underIssuer(state: RegistryState, issuerName: string, profileName: string, now: Date): Certified {
  const issuer = state.cas.find(({ name }) => name === issuerName);
  if (issuer === undefined) {
    throw new SluiceError('ca-unknown', `There is no CA named ${issuerName}`, { facts: { pointer: '/issuer' } });
  }
  const refused = issuer.state === 'pending' ? undefined : refusal(issuer.state, 'ca-certificate');
  if (refused !== undefined) {
    throw new SluiceError(refused, `${issuerName} is ${issuer.state}: it certifies no CA`, {
      facts: { pointer: '/issuer', what_to_do: 'Choose an active issuer.' },
    });
  }
  const profile = state.profiles.find(({ name }) => name === profileName);
  if (profile === undefined) throw unusableProfile(profileName, 'does not exist');
  const fault =
    profile.ca !== issuerName
      ? `belongs to ${profile.ca}, not to ${issuerName}`
      : profile.purpose !== 'ca-certificate'
        ? `is for ${profile.purpose}, not for ca-certificate`
        : undefined;
  if (fault !== undefined) throw unusableProfile(profileName, fault);
  if (profile.state === 'disabled') {
    throw new SluiceError('profile-disabled', `The profile ${profileName} is disabled`, {
      facts: { pointer: '/profile' },
    });
  }
  const document = checkProfile(profile.document);
  checkIssuerBounds(state, issuer, document, now);
  return { issuer: issuerName, certificateProfile: profileName, document };
}

/** The subject as it will stand in the certificate, statics of the profile included, so that both names are one. */
function subjectOf(
  body: CreateCaBody,
  document: ProfileDocument,
): { subject: string; subjectDer: Uint8Array; subjectDn: SubjectDn } {
  const content = applyStatics(document, { subject_dn: body.subject_dn, san: {} });
  // The same question that the signer will ask: what it would refuse must not become a CA that is pending for ever.
  const findings = checkContent(document, content, body.key_algorithm);
  const [first] = findings;
  if (first !== undefined) {
    // The key is made here, so what is at fault with it is the algorithm asked for.
    const pointerOf = (pointer: string): string => (pointer === '/csr' ? '/key_algorithm' : pointer);
    throw new SluiceError(first.code, `${pointerOf(first.pointer)} ${first.detail}`, {
      facts: {
        pointer: pointerOf(first.pointer),
        findings: findings.map((finding) => ({ ...finding, pointer: pointerOf(finding.pointer) })),
      },
    });
  }
  const canonical = JSON.parse(canonicalContent(content)) as { subject_dn: unknown };
  return {
    subject: JSON.stringify(canonical.subject_dn),
    subjectDer: encodeSubject(content.subject_dn),
    subjectDn: content.subject_dn,
  };
}

/**
 * Puts a CA into the registry as `pending`. Durable on return, with a new epoch; the reconciler then puts its key work
 * into the ledger, until a signer has made its key and its certificate. Throws `conflict` when the name is taken,
 * `ca-unknown`, `ca-…` or `profile-…` for what it builds on, `not-permitted` for its path length, `subject-invalid`, `profile-invalid`.
 */
export async function createCa(context: AdminContext, operator: string, body: CreateCaBody): Promise<CreateCaAnswer> {
  const state = await context.store.state();
  if (state.cas.some(({ name }) => name === body.name)) {
    throw new SluiceError('conflict', `A CA named ${body.name} exists`, { facts: { pointer: '/name' } });
  }
  const { document, ...certified } =
    body.issuer === null
      ? asRoot(body, body.self_profile ?? '')
      : underIssuer(state, body.issuer, body.profile ?? '', context.clock());
  if (certified.selfProfile !== undefined && state.profiles.some(({ name }) => name === certified.certificateProfile)) {
    throw new SluiceError('conflict', `A profile named ${certified.certificateProfile} exists`, {
      facts: { pointer: '/self_profile' },
    });
  }
  const { subjectDn, ...named } = subjectOf(body, document);
  if (state.cas.some(({ subjectDer }) => Buffer.from(subjectDer).equals(named.subjectDer))) {
    // RFC 5280 4.1.2.6 in practice: a relying party could not tell two keys under one name apart.
    throw new SluiceError('conflict', 'A CA with this subject exists', { facts: { pointer: '/subject_dn' } });
  }
  // Its key is made later, so the sample stands under one of its kind.
  const root = { ...named, keyAlgorithm: body.key_algorithm, spki: null, self: subjectDn };
  const warnings =
    certified.selfProfile === undefined ? [] : checkProfileLint(document, root, context.clock(), '/self_profile');
  const ca: NewCa = {
    name: body.name,
    keyGroup: body.key_group,
    keyAlgorithm: body.key_algorithm,
    ...named,
    ...certified,
  };
  const dryRun = body.dry_run === true;
  const epoch = dryRun ? state.epoch : (await context.store.createCa(operator, ca)).epoch;
  // A crash here: the CA is in the registry and pending; any registry's reconciler goes on with it.
  return {
    dry_run: dryRun,
    epoch: String(epoch),
    name: ca.name,
    issuer: ca.issuer,
    certificate_profile: ca.certificateProfile,
    key_group: ca.keyGroup,
    key_algorithm: ca.keyAlgorithm,
    warnings,
  };
}
