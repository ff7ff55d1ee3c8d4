import { SluiceError } from '@sluice/errors';
import type { Caller, CaRow, KeyWorkWanted, RegistryStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';
import { canonicalContent, type SubjectDn } from '@sluice/pki';

export interface ReconcileOptions {
  readonly store: Pick<RegistryStore, 'keyWorkWanted' | 'putKeyWork' | 'state'>;
  readonly caller: () => Caller;
  /** A new request id (UUIDv7). */
  readonly newId: () => string;
  readonly log: Log;
}

type KeyWork = Parameters<RegistryStore['putKeyWork']>[1];

function issuerOf(cas: readonly CaRow[], name: string): CaRow {
  const issuer = cas.find((ca) => ca.name === name);
  if (issuer === undefined) throw new SluiceError('ca-unknown', `There is no CA named ${name}`);
  return issuer;
}

/** The work that takes this CA one step further, or `undefined` while its issuer cannot certify anybody. */
function keyWorkFor({ ca, purpose }: KeyWorkWanted, cas: readonly CaRow[], requestId: string): KeyWork | undefined {
  const content = canonicalContent({ subject_dn: JSON.parse(ca.subject) as SubjectDn, san: {} });
  const subjectCa = ca.name;
  if (purpose === 'generate') {
    const { keyGroup } = ca;
    return { requestId, purpose, ca: ca.name, subjectCa, profile: null, keyGroup, content, spki: new Uint8Array() };
  }
  if (ca.spki === null) throw new SluiceError('conflict', `${ca.name} has no key to certify yet`);
  const issuer = ca.issuer === ca.name ? ca : issuerOf(cas, ca.issuer);
  // Claimed too early it would be rejected: a root being made is the only pending CA that signs, and only itself.
  if (issuer !== ca && issuer.state !== 'active') return undefined;
  const { keyGroup } = issuer;
  const profile = ca.certificateProfile;
  return { requestId, purpose, ca: issuer.name, subjectCa, profile, keyGroup, content, spki: ca.spki };
}

/**
 * One look at the CAs that are being made: puts the key work they need next into the ledger. Safe to repeat and to run
 * in several registries at once: the ledger takes it once per (CA, purpose, try). A CA at fault harms only itself.
 */
export async function reconcileKeyWork({ store, caller, newId, log }: ReconcileOptions): Promise<void> {
  const wanted = await store.keyWorkWanted();
  if (wanted.length === 0) return;
  const { cas } = await store.state();
  for (const want of wanted) {
    const facts = { ca: want.ca.name, purpose: want.purpose };
    try {
      const work = keyWorkFor(want, cas, newId());
      if (work === undefined) continue;
      const requestId = await store.putKeyWork(caller(), work);
      // A crash here: the work is in the ledger, and the next look, by any registry, finds it there.
      if (requestId === work.requestId) {
        log.info({ event: 'key-work-put', ...facts, requestId }, 'key work put into the ledger');
      }
    } catch (err) {
      log.error({ event: 'key-work-failed', ...facts, err }, 'no key work for this CA; trying again in a second');
    }
  }
}
