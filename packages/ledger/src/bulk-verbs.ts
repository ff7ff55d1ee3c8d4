import type { Database, Statement } from './database.js';
import { only } from './only.js';
import type {
  BulkStore,
  PreviewRow,
  QueueFilter,
  QueueGroup,
  Receipt,
  ReceiptState,
  TakenReceipt,
} from './receipt-types.js';

const statement = (name: string, text: string): Statement => ({ name, text });
const receiptColumns = `r.id, r.verb, r.state, r.operator, r.reason, r.filter, r.made_at as "madeAt", r.changed_at as "changedAt", r.matched, r.moved,
  r.passed_over as "passedOver", r.returned, r.source, r.rate_per_s as "ratePerS", r.waits_for as "waitsFor", h.expires_at as "holdsUntil"`;
const receiptTables = 'registry.receipt r left join registry.hold h on h.id = r.id and h.lifted_at is null';
const statements = {
  groups: statement(
    'queue_groups',
    'select g.state, g.class, g.key_group as "keyGroup", g.account, g.ca, g.profile, g.code, g.count::integer as count, g.oldest from registry.queue_groups($1::jsonb, $2) g',
  ),
  preview: statement(
    'queue_preview',
    'select p.*, p.count::integer as count, p.waiting::integer as waiting from registry.preview($1::jsonb, $2::uuid) p',
  ),
  hold: statement('hold_work', 'select registry.hold_work($1, $2, $3::jsonb, $4, $5, $6) as id'),
  undo: statement('undo_hold', 'select registry.undo_hold($1, $2, $3)'),
  resubmit: statement('resubmit', 'select registry.resubmit($1, $2::jsonb, $3::text[], $4::uuid, $5, $6) as id'),
  steer: statement('steer', 'select registry.steer($1, $2, $3, $4)'),
  receipts: statement(
    'receipts',
    `select ${receiptColumns} from ${receiptTables} order by r.made_at desc, r.id limit $1`,
  ),
  receipt: statement('receipt', `select ${receiptColumns} from ${receiptTables} where r.id = $1::uuid`),
  results: statement(
    'receipt_results',
    'select i.result, count(*)::integer as count from registry.receipt_item i where i.receipt = $1::uuid group by 1 order by 2 desc, 1',
  ),
  items: statement(
    'receipt_items',
    'select i.request_id as id from registry.receipt_item i where i.receipt = $1::uuid and i.result = $2 and i.request_id > $3::uuid order by i.request_id limit $4',
  ),
  take: statement(
    'take_receipts',
    'select t.id, t.verb, t.state, t.rate_per_s as "ratePerS" from registry.take_receipts($1, $2) t',
  ),
  carryOn: statement('carry_on', 'select c.moved, c.state from registry.carry_on($1, $2, $3, $4, $5) c'),
};

/** As the ledger stores it; what is not named is not there. */
function filterJson({ keyGroup: key_group, olderThanS: older_than_s, ...same }: QueueFilter): string {
  return JSON.stringify({ ...same, key_group, older_than_s });
}

const firstId = '00000000-0000-0000-0000-000000000000';

export function createBulkVerbs(database: Database): BulkStore {
  return {
    queueGroups: (filter, max) => database.call<QueueGroup>(statements.groups, [filterJson(filter), max]),
    preview: (filter, source) => database.call<PreviewRow>(statements.preview, [filterJson(filter), source ?? null]),
    async holdWork(operator, { verb, filter, forS, arriving, reason }) {
      const values = [operator, verb, filterJson(filter), forS, arriving, reason];
      return (await only<{ id: string }>(database, statements.hold, values)).id;
    },
    async undoHold(operator, receipt, reason) {
      await database.call(statements.undo, [operator, receipt, reason]);
    },
    async resubmit(operator, { filter, states, source, ratePerS, reason }) {
      const values = [operator, filterJson(filter), [...states], source ?? null, ratePerS, reason];
      return (await only<{ id: string }>(database, statements.resubmit, values)).id;
    },
    async steer(operator, receipt, to, reason) {
      await database.call(statements.steer, [operator, receipt, to, reason]);
    },
    receipts: (max) => database.call<Receipt>(statements.receipts, [max]),
    receipt: async (id) => (await database.call<Receipt>(statements.receipt, [id]))[0],
    receiptResults: (id) => database.call(statements.results, [id]),
    async receiptItems(id, result, after, max) {
      const rows = await database.call<{ id: string }>(statements.items, [id, result, after ?? firstId, max]);
      return rows.map((row) => row.id);
    },
    takeReceipts: ({ name, incarnation }) => database.call<TakenReceipt>(statements.take, [name, incarnation]),
    carryOn: ({ name, incarnation }, receipt, { max, waitsFor }) =>
      only<{ moved: number; state: ReceiptState }>(database, statements.carryOn, [
        name,
        incarnation,
        receipt,
        max,
        waitsFor ?? null,
      ]),
  };
}
