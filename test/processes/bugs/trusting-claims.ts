import type { SignerLedger } from '@sluice/ledger';

/**
 * A signer's ledger for planted bugs: takes away the signer's own second look, which refuses a serial that it did not
 * offer, by adding whatever the claim gave to what was offered.
 */
export function trustingClaims(ledger: SignerLedger): SignerLedger {
  return new Proxy(ledger, {
    get(target, name: keyof SignerLedger) {
      if (name !== 'claim') {
        const member: unknown = target[name];
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return async (options: Parameters<SignerLedger['claim']>[0]) => {
        const result = await target.claim(options);
        (options.serials as Uint8Array[]).push(...result.claimed.map((row) => row.serial));
        return result;
      };
    },
  });
}
