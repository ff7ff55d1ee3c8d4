import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '@sluice/errors';
import type { CaRow, NewProfile, RegistryState } from '@sluice/ledger';
import { checkProfile, subjectDnSchema } from '@sluice/pki';
import type { ApplyProfileAnswer, ApplyProfileBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';
import { checkRemainingLife } from './check-remaining-life.js';
import { checkProfileLint, type SampleIssuer } from './lint-profile.js';
import { readProfile } from './read-profile.js';

const pointer = '/document';

/** A profile stays with its CA and its purpose: accounts and CAs rely on them. */
function checkBelongs(state: RegistryState, profile: NewProfile): CaRow {
  const ca = state.cas.find(({ name }) => name === profile.ca);
  if (ca === undefined) {
    throw new SluiceError('ca-unknown', `There is no CA named ${profile.ca}`, { facts: { pointer } });
  }
  if (ca.state === 'destroying' || ca.state === 'destroyed') {
    const code = ca.state === 'destroying' ? 'ca-destroying' : 'ca-destroyed';
    throw new SluiceError(code, `${ca.name} is ${ca.state}: it gets no profiles`, { facts: { pointer } });
  }
  const current = state.profiles.find(({ name }) => name === profile.name);
  if (current !== undefined && (current.ca !== profile.ca || current.purpose !== profile.purpose)) {
    const is = `${current.name} is for ${current.purpose} at ${current.ca}`;
    throw new SluiceError('conflict', `A profile keeps its CA and its purpose: ${is}`, {
      facts: { pointer, what_to_do: 'Give the profile another name.' },
    });
  }
  return ca;
}

/** The CA as the signer of this profile: for the one by which a root signs itself, with its own subject. */
function signerOf(ca: CaRow, { name }: NewProfile): CaRow & SampleIssuer {
  const isOwn = ca.issuer === ca.name && ca.certificateProfile === name;
  return isOwn ? { ...ca, self: subjectDnSchema.parse(JSON.parse(ca.subject)) } : ca;
}

/**
 * Makes the document the current revision of its profile: a new one, or, when it equals the current one, nothing.
 * Durable on return with a new epoch; work accepted under an older revision is signed under this one.
 * Throws `profile-invalid` (for rules that its certificates would break, and for a
 * life that its CA has not left, too), `ca-unknown`, `ca-destroying`, `ca-destroyed`, `conflict`.
 */
export async function applyProfile(
  context: AdminContext,
  operator: string,
  body: ApplyProfileBody,
): Promise<ApplyProfileAnswer> {
  const profile = readProfile(body.document, pointer);
  const state = await context.store.state();
  const signer = signerOf(checkBelongs(state, profile), profile);
  const document = checkProfile(profile.document);
  const now = context.clock();
  const warnings = checkProfileLint(document, signer, now, pointer);
  if (signer.self === undefined) {
    warnings.push(...checkRemainingLife(document, signer, now, { yaml: body.document, pointer }));
  }
  const { name, ca } = profile;
  if (body.dry_run === true) {
    const current = state.profiles.find((candidate) => candidate.name === name);
    const unchanged = current !== undefined && isDeepStrictEqual(current.document, profile.document);
    const revision = unchanged ? current.revision : (current?.revision ?? 0) + 1;
    return { dry_run: true, epoch: String(state.epoch), name, ca, revision, unchanged, warnings };
  }
  const { epoch, revision, unchanged } = await context.store.applyProfile(operator, profile);
  return { dry_run: false, epoch: String(epoch), name, ca, revision, unchanged, warnings };
}
