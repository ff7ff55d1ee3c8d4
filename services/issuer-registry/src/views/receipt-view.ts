import type { Receipt } from '@sluice/ledger';
import type { ReceiptView } from '@sluice/registry-protocol';

export function receiptView(receipt: Receipt): ReceiptView {
  const { id, verb, state, operator, reason, filter, matched, moved, returned, source } = receipt;
  return {
    ...{ id, verb, state, operator, reason, filter, matched, moved, returned, source },
    made_at: receipt.madeAt.toISOString(),
    changed_at: receipt.changedAt.toISOString(),
    holds_until: receipt.holdsUntil?.toISOString() ?? null,
    passed_over: receipt.passedOver,
    rate_per_s: receipt.ratePerS,
    waits_for: receipt.waitsFor,
  };
}
