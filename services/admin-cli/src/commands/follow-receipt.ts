import { type ReceiptDetail, receiptDetailSchema } from '@sluice/registry-protocol';
import type { CommandContext } from '../command-context.js';
import type { RegistryApi } from '../registry-api.js';
import { progressLine } from '../screens/receipt-screen.js';

const lookIntervalMs = 500;
/** An estimate goes by what was done within so long. */
const latelyMs = 10_000;
const onItsWay: readonly string[] = ['moving', 'undoing', 'running', 'paused'];

/** Found all at once, long before their turn: they say nothing of how fast the others go. */
const foundAtOnce: readonly (string | null)[] = ['superseded', 'asked-again'];

/** What was done one after the other. */
function pacedOf({ receipt, results }: ReceiptDetail): number {
  const atOnce = results.filter(({ result }) => foundAtOnce.includes(result));
  const done = receipt.moved + receipt.passed_over + receipt.returned;
  return done - atOnce.reduce((sum, { count }) => sum + count, 0);
}

/** Looks until the receipt has nothing left to do, or the person stops it: that stops the looking, not the act. */
export async function followReceipt(context: CommandContext, api: RegistryApi, id: string): Promise<ReceiptDetail> {
  const { terminal } = context;
  let seen: { readonly atMs: number; readonly done: number }[] = [];
  let told = '';
  for (;;) {
    const detail = await api.get(`/admin/v1/receipts/${id}`, receiptDetailSchema);
    const atMs = Date.parse(detail.at);
    seen = [...seen.filter((look) => look.atMs > atMs - latelyMs), { atMs, done: pacedOf(detail) }];
    const [first] = seen;
    const spanMs = atMs - (first?.atMs ?? atMs);
    const perS = spanMs < lookIntervalMs ? undefined : ((pacedOf(detail) - (first?.done ?? 0)) * 1000) / spanMs;
    const line = progressLine(detail.receipt, perS === undefined ? undefined : { perS });
    if (!onItsWay.includes(detail.receipt.state) || terminal.interrupted()) {
      if (terminal.interactive) terminal.redraw('');
      return detail;
    }
    if (terminal.interactive) terminal.redraw(line);
    else if (line !== told) terminal.err(line);
    told = line;
    await terminal.pause(lookIntervalMs);
  }
}
