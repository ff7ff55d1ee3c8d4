import { type ReceiptDetail, type ReceiptView, receiptDetailSchema } from '@sluice/registry-protocol';
import type { CommandContext } from '../command-context.js';
import type { RegistryApi } from '../registry-api.js';
import { progressLine } from '../screens/receipt-screen.js';

const lookIntervalMs = 500;
/** An estimate goes by what was done within so long. */
const latelyMs = 10_000;
const onItsWay: readonly string[] = ['moving', 'undoing', 'running', 'paused'];

const doneOf = (receipt: ReceiptView): number => receipt.moved + receipt.passed_over + receipt.returned;

/** Looks until the receipt has nothing left to do, or the person stops it: that stops the looking, not the act. */
export async function followReceipt(context: CommandContext, api: RegistryApi, id: string): Promise<ReceiptDetail> {
  const { terminal } = context;
  let seen: { readonly atMs: number; readonly done: number }[] = [];
  let told = '';
  for (;;) {
    const detail = await api.get(`/admin/v1/receipts/${id}`, receiptDetailSchema);
    const atMs = Date.parse(detail.at);
    seen = [...seen.filter((look) => look.atMs > atMs - latelyMs), { atMs, done: doneOf(detail.receipt) }];
    const [first] = seen;
    const spanMs = atMs - (first?.atMs ?? atMs);
    const perS = spanMs < lookIntervalMs ? undefined : ((doneOf(detail.receipt) - (first?.done ?? 0)) * 1000) / spanMs;
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
