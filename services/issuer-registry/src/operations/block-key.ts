import type { BlockedKeyList, BlockKeyAnswer, BlockKeyBody } from '@sluice/registry-protocol';
import type { AdminContext } from './admin-context.js';

/** Rows of a list for people; the snapshot holds all. */
const listedMax = 1000;
const hashBytes = 32;

/**
 * Puts a key on the block list, for good, by one operator: the safe direction takes one person. Durable on return with a
 * new epoch: no claim that starts after it signs for this key, of whatever CA. What was signed before stays as it is:
 * revoke it. Throws `conflict` when the list is full.
 */
export async function blockKey(context: AdminContext, operator: string, body: BlockKeyBody): Promise<BlockKeyAnswer> {
  const { spki_sha256 } = body;
  const spkiSha256 = Buffer.from(spki_sha256, 'hex');
  if (body.dry_run === true) {
    const { epoch, blockedKeys } = await context.store.state();
    return { dry_run: true, epoch: String(epoch), spki_sha256, unchanged: holds(blockedKeys, spkiSha256) };
  }
  const { epoch, unchanged } = await context.store.blockKey(operator, { spkiSha256, reason: body.reason });
  return { dry_run: false, epoch: String(epoch), spki_sha256, unchanged };
}

function holds(hashes: Uint8Array, hash: Uint8Array): boolean {
  for (let at = 0; at < hashes.length; at += hashBytes) {
    if (Buffer.compare(hashes.subarray(at, at + hashBytes), hash) === 0) return true;
  }
  return false;
}

/** The block list: how many keys, and those blocked last. */
export async function listBlockedKeys(context: AdminContext): Promise<BlockedKeyList> {
  const { epoch, blockedKeys } = await context.store.state();
  const rows = await context.store.blockedKeys(listedMax);
  return {
    epoch: String(epoch),
    count: blockedKeys.length / hashBytes,
    blocked_keys: rows.map((row) => ({
      spki_sha256: Buffer.from(row.spkiSha256).toString('hex'),
      reason: row.reason,
      blocked_by: row.blockedBy,
      blocked_at: row.blockedAt.toISOString(),
      epoch: String(row.epoch),
    })),
  };
}
