import { asSluiceError, SluiceError } from '@sluice/errors';
import { type AcceptResult, type AcceptRow, type IdentityLedger, isFaultOfOneRow } from '@sluice/ledger';

/** Codes with which the ledger says that nothing was stored; after anything else nobody knows. */
const nothingStored: ReadonlySet<string> = new Set([
  'fenced',
  'stale-snapshot',
  'unavailable',
  'ca-unknown',
  'profile-unknown',
]);

export type StoredResult = Exclude<AcceptResult, { verdict: 'payload-mismatch' }>;
export type Acceptance =
  | { readonly stored: true; readonly result: StoredResult }
  | { readonly stored: false; readonly error: SluiceError };

/**
 * Step 4: durable when it returns `stored`. Many requests share one commit; the ledger sees to that. Not stored: the
 * error says why; nothing will come of this call. Throws `outcome-unknown` when the answer to the commit was lost: it may be stored, so only the same Idempotency-Key (or the same CSR) asked again finds out.
 */
export async function accept(ledger: Pick<IdentityLedger, 'accept'>, row: AcceptRow): Promise<Acceptance> {
  try {
    const result = await ledger.accept(row);
    if (result.verdict !== 'payload-mismatch') return { stored: true, result };
    return { stored: false, error: new SluiceError('payload-mismatch') };
  } catch (thrown) {
    const error = asSluiceError(thrown);
    // A row that PostgreSQL itself refuses, alone by now: its transaction was rolled back.
    if (nothingStored.has(error.code) || isFaultOfOneRow(error)) return { stored: false, error };
    // A fault of ours is one, whoever asks again; what it left behind is as unknown as with a lost answer.
    if (error.code === 'internal') throw error;
    throw new SluiceError('outcome-unknown', undefined, { cause: error });
  }
}
