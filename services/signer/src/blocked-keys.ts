import type { ClaimedRequest } from '@sluice/ledger';
import { publicKeyHash } from '@sluice/pki';
import { hex } from './hex.js';
import type { SignerContext } from './signer-context.js';

const none: ReadonlySet<string> = new Set();

/**
 * Keys of these rows that were blocked after our snapshot and before their claim: the ledger knows, and is asked only
 * when the claim saw a newer registry than we did. So a registry that is away neither stops signing nor lets a blocked
 * key pass. `undefined` when the ledger does not say.
 */
export async function keysBlockedSince(
  { ledger, templates, log }: SignerContext,
  rows: readonly ClaimedRequest[],
): Promise<ReadonlySet<string> | undefined> {
  const { epoch } = templates.rules();
  const newer = rows.filter((row) => row.epoch > epoch);
  if (newer.length === 0) return none;
  try {
    const hashes = newer.map(({ spki }) => Buffer.from(publicKeyHash(spki), 'hex'));
    return new Set((await ledger.blockedKeys(hashes)).map(hex));
  } catch (err) {
    log.warn(
      { event: 'block-list-unknown', count: newer.length, err },
      'the ledger did not say which keys are blocked',
    );
    return undefined;
  }
}
