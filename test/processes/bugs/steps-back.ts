import type { SignerLedger } from '@sluice/ledger';
import { planted } from './planted.js';

/** Longer than any client waits. */
const backOffMs = 10_000;
/** In a row, or in between others: what a signer does well does not make up for them. */
const toleratedFailures = 3;

/**
 * The old-style signer, as in the incident: whatever fails, and for whatever reason, feeds one back-off of the whole
 * signer, so that a server with bad hardware leaves the work to others. It tells a dead CA from dead hardware as little
 * as all the others do, and so all of them step back.
 */
export function stepsBack(ledger: SignerLedger, bugFile: string | undefined): SignerLedger {
  let failures = 0;
  let untilMs = 0;
  function failed(count: number): void {
    failures += count;
    if (failures < toleratedFailures) return;
    failures = 0;
    untilMs = performance.now() + backOffMs;
  }
  /** A claim that takes nothing while the signer stands back; what a claim rejects is a failure, too. */
  const claim: SignerLedger['claim'] = async (options) => {
    if (performance.now() < untilMs) return { claimed: [], ended: [], stale: [] };
    const result = await ledger.claim(options);
    failed(result.ended.filter(({ state }) => state === 'rejected').length);
    return result;
  };
  const release: SignerLedger['release'] = (caller, rows) => {
    failed(rows.length);
    return ledger.release(caller, rows);
  };
  return new Proxy(ledger, {
    get(target, name: keyof SignerLedger) {
      const isPlanted = planted(bugFile, 'steps-back');
      if (isPlanted && name === 'claim') return claim;
      if (isPlanted && name === 'release') return release;
      const member: unknown = target[name];
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
