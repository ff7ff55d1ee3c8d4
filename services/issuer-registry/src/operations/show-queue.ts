import type { QueueView, ReceiptDetail, ReceiptItems, ReceiptList } from '@sluice/registry-protocol';
import { receiptView } from '../views/receipt-view.js';
import type { AdminContext } from './admin-context.js';
import { receiptOf } from './queue-acts.js';

const groupsMax = 50;
const receiptsMax = 100;
const itemsMax = 1000;

/** The largest groups of what is open or on the shelf, and the holds in force. Reads all of the open work. */
export async function showQueue({ store, ledgerClock }: AdminContext): Promise<QueueView> {
  const groups = await store.queueGroups({}, groupsMax);
  const receipts = await store.receipts(1000);
  return {
    at: ledgerClock().toISOString(),
    groups: groups.map(({ keyGroup, oldest, ...group }) => ({
      ...group,
      key_group: keyGroup,
      oldest: oldest.toISOString(),
    })),
    holds: receipts.filter(({ state }) => state === 'moving' || state === 'holding').map(receiptView),
  };
}

/** The newest receipts. */
export async function listReceipts({ store }: AdminContext): Promise<ReceiptList> {
  return { receipts: (await store.receipts(receiptsMax)).map(receiptView) };
}

/** A receipt and, of a resubmission, what became of its requests. Throws `not-found`. */
export async function showReceipt(context: AdminContext, id: string): Promise<ReceiptDetail> {
  const receipt = await receiptOf(context, id);
  const results = await context.store.receiptResults(id);
  return { at: context.ledgerClock().toISOString(), receipt: receiptView(receipt), results };
}

/** The requests of a resubmission with that result, a page at a time. Throws `not-found`. */
export async function listReceiptItems(
  context: AdminContext,
  id: string,
  result: string,
  after: string | undefined,
): Promise<ReceiptItems> {
  await receiptOf(context, id);
  const request_ids = await context.store.receiptItems(id, result, after, itemsMax);
  return { result, request_ids, next: request_ids.length < itemsMax ? null : (request_ids.at(-1) ?? null) };
}
