import { SluiceError } from '@sluice/errors';
import type { CaRow } from '@sluice/ledger';
import { type ProfileDocument, placeInProfile, readCertificate } from '@sluice/pki';
import type { ProfileWarning } from '@sluice/registry-protocol';

const rule = 'validity-within-issuer';
const source = 'RFC 5280 6.1.3';
const path = 'validity.notAfter';

/**
 * Does a life by this document fit into what is left of its CA's? Throws `profile-invalid`, with the place in `yaml`,
 * when not even the shortest does: every request would end as `ca-expiring`. Returns what will soon be so, or is so
 * unless a shorter life is asked for. A CA without a certificate has its whole life before it; a root is not bound by
 * itself. `pointer`: the member of the call that holds the document.
 */
export function checkRemainingLife(
  document: ProfileDocument,
  issuer: Pick<CaRow, 'name' | 'certificate'>,
  now: Date,
  sent: { readonly yaml: string; readonly pointer: string },
): ProfileWarning[] {
  if (issuer.certificate === null) return [];
  const { notAfter } = readCertificate(issuer.certificate);
  const { validity_seconds: seconds, backdate_seconds: backdate, requested_validity: requested } = document;
  const leftSeconds = (notAfter.getTime() - now.getTime()) / 1000;
  /** From now to the last second of a life that began so much earlier. */
  const restOf = (lifeSeconds: number, backSeconds: number): number => lifeSeconds - 1 - backSeconds;
  const rest = restOf(seconds, backdate);
  const shortest = requested
    ? Math.max(0, Math.min(rest, restOf(requested.min_seconds, Math.max(backdate, requested.back_seconds))))
    : rest;
  const ends = `${issuer.name} ends ${notAfter.toISOString()}`;
  if (shortest > leftSeconds) throw neverFits(requested ? 'min_seconds' : 'validity_seconds', ends, sent);
  if (rest > leftSeconds) return [warning(`${ends}: whoever asks for no shorter validity is refused`)];
  const isRenewed = document.purpose !== 'ca-certificate';
  if (!isRenewed || rest + seconds <= leftSeconds) return [];
  return [warning(`${ends}: a certificate of today cannot be renewed for as long as it lives`)];
}

function warning(detail: string): ProfileWarning {
  return { rule, source, path, detail };
}

function neverFits(
  member: 'min_seconds' | 'validity_seconds',
  ends: string,
  { yaml, pointer }: { readonly yaml: string; readonly pointer: string },
): SluiceError {
  const steps = member === 'min_seconds' ? ['requested_validity', member] : [member];
  const { line, column } = placeInProfile(yaml, steps);
  const at = `/${steps.join('/')}`;
  const detail = `is more than is left: ${ends}`;
  const facts = { pointer, findings: [{ pointer, code: 'ca-expiring', path: at, line, column, detail }] };
  return new SluiceError('profile-invalid', `${at} ${detail} (line ${line}, column ${column})`, {
    facts: { ...facts, what_to_do: 'Shorten it, or give the profile to a CA with more life left.' },
  });
}
