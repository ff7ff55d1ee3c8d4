import { randomUUID } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { BulkStore, PreviewRow, QueueGroup, Receipt, TakenReceipt } from '@sluice/ledger';

/** Bulk acts in memory: what is asked of it is remembered, what it says is set by the test. */
export interface MemoryBulkStore extends BulkStore {
  readonly acts: { readonly act: string; readonly operator: string; readonly about: unknown }[];
  /** Each step of `carryOn`, and what each answers: in order, the last one for ever. */
  readonly steps: { readonly receipt: string; readonly max: number; readonly waitsFor?: string | undefined }[];
  readonly progress: { moved: number; state: Receipt['state'] }[];
  taken: TakenReceipt[];
  groups: QueueGroup[];
  matches: PreviewRow[];
  receiptRows: Receipt[];
  results: { result: string | null; count: number }[];
}

export function createMemoryBulkStore(now: Date): MemoryBulkStore {
  function made(verb: Receipt['verb'], operator: string, more: Partial<Receipt>): string {
    const id = randomUUID();
    const state = verb === 'resubmit' ? 'running' : 'holding';
    const counts = { matched: 0, moved: 0, passedOver: 0, returned: 0 };
    const times = { madeAt: now, changedAt: now, holdsUntil: null };
    const about = { reason: '', filter: {}, source: null, ratePerS: null, waitsFor: null };
    store.receiptRows.unshift({ id, verb, state, operator, ...counts, ...times, ...about, ...more });
    return id;
  }
  function find(id: string): Receipt {
    const row = store.receiptRows.find((receipt) => receipt.id === id);
    if (row === undefined) throw new SluiceError('not-found');
    return row;
  }
  const note = (act: string, operator: string, about: unknown): void => void store.acts.push({ act, operator, about });
  const become = (id: string, state: Receipt['state']): void => {
    store.receiptRows = store.receiptRows.map((row) => (row === find(id) ? { ...row, state } : row));
  };
  const store: MemoryBulkStore = {
    acts: [],
    steps: [],
    progress: [],
    taken: [],
    groups: [],
    matches: [],
    receiptRows: [],
    results: [],
    queueGroups: async (_filter, max) => store.groups.slice(0, max),
    preview: async () => store.matches,
    async holdWork(operator, act) {
      note(act.verb, operator, act);
      const { keyGroup: key_group, ...same } = act.filter;
      return made(act.verb, operator, { reason: act.reason, filter: { ...same, key_group } });
    },
    async undoHold(operator, receipt) {
      note('undo', operator, receipt);
      become(receipt, 'undoing');
    },
    async resubmit(operator, act) {
      note('resubmit', operator, act);
      return made('resubmit', operator, { reason: act.reason, ratePerS: act.ratePerS, source: act.source ?? null });
    },
    async steer(operator, receipt, to) {
      note(to, operator, receipt);
      become(receipt, to);
    },
    receipts: async (max) => store.receiptRows.slice(0, max),
    receipt: async (id) => store.receiptRows.find((row) => row.id === id),
    receiptResults: async () => store.results,
    receiptItems: async () => [],
    takeReceipts: async () => store.taken,
    async carryOn(_caller, receipt, step) {
      store.steps.push({ receipt, ...step });
      const next = store.progress.length > 1 ? store.progress.shift() : store.progress[0];
      return next ?? { moved: 0, state: 'holding' };
    },
  };
  return store;
}
