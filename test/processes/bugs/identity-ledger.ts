import { asSluiceError, SluiceError } from '@sluice/errors';
import type { AcceptResult, AcceptRow, IdentityLedger } from '@sluice/ledger';
import { planted } from './planted.js';

const commitDelayMs = 500;

/** A front end's ledger whose `accept` has the bug that the file names. */
export function buggyAccepts(ledger: IdentityLedger, bugFile: string | undefined): IdentityLedger {
  /** Says that it is stored before it is. */
  function hasty(row: AcceptRow): AcceptResult {
    setTimeout(() => void ledger.accept(row).catch(() => undefined), commitDelayMs);
    return {
      verdict: 'accepted',
      requestId: row.requestId,
      deadline: String(Math.round((Date.now() + row.waitMs) * 1000)),
    };
  }
  /** Takes a lost answer for a refusal. */
  async function hopeful(row: AcceptRow): Promise<AcceptResult> {
    try {
      return await ledger.accept(row);
    } catch (thrown) {
      const error = asSluiceError(thrown);
      throw error.code === 'outcome-unknown' ? new SluiceError('unavailable', 'not stored, surely') : error;
    }
  }
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name === 'accept' && planted(bugFile, 'hasty-accept')) return async (row: AcceptRow) => hasty(row);
      if (name === 'accept' && planted(bugFile, 'false-refusal')) return hopeful;
      return member.bind(target);
    },
  });
}
