import { SluiceError } from '@sluice/errors';
import type { QueueFilter, Receipt } from '@sluice/ledger';
import type {
  ParkBody,
  PauseLaneBody,
  PreviewView,
  QueueActAnswer,
  ReceiptActBody,
  ReceiptView,
  ResubmitBody,
  ResumeLaneBody,
} from '@sluice/registry-protocol';
import { receiptView } from '../views/receipt-view.js';
import type { AdminContext } from './admin-context.js';
import { checkedFilter, previewView } from './queue-filter.js';

/** Rows that go to the shelf or come back in a second, on a machine that has other work, too: for a preview. */
const rowsPerS = 2000;

/** A receipt that is there. Throws `not-found`. */
export async function receiptOf({ store }: AdminContext, id: string): Promise<Receipt> {
  const receipt = await store.receipt(id);
  if (receipt !== undefined) return receipt;
  throw new SluiceError('not-found', `There is no receipt ${id}`, {
    facts: { what_to_do: 'List them: sluice queue receipts.' },
  });
}

async function answerOf(context: AdminContext, preview: PreviewView, id: string | undefined): Promise<QueueActAnswer> {
  return {
    dry_run: id === undefined,
    preview,
    receipt: id === undefined ? null : receiptView(await receiptOf(context, id)),
  };
}

/**
 * Holds what the filter matches, and what still arrives, and moves it to the shelf. Durable on return: no claim that
 * starts after it takes any of it; the rows are moved by whichever registry process gets to it. Throws `not-found` for
 * unknown names, `conflict` when nothing matches or another hold covers all of it.
 */
export async function park(context: AdminContext, operator: string, body: ParkBody): Promise<QueueActAnswer> {
  const filter = await checkedFilter(context, body.filter, body.all === true);
  return hold(context, operator, { verb: 'park', filter, body, arriving: body.arriving === true });
}

/** Holds a lane, and leaves its rows where they are; what is due meanwhile is shelved. Durable on return. As `park`. */
export async function pauseLane(context: AdminContext, operator: string, body: PauseLaneBody): Promise<QueueActAnswer> {
  const filter = await checkedFilter(context, laneFilter(body.lane), true);
  return hold(context, operator, { verb: 'pause', filter, body, arriving: true });
}

function laneFilter(lane: string) {
  const [requestClass, key_group] = lane.split('.');
  return { class: requestClass, key_group } as ParkBody['filter']; // the schema has seen both
}

interface Hold {
  readonly verb: 'park' | 'pause';
  readonly filter: QueueFilter;
  readonly body: { readonly for_s: number; readonly reason: string; readonly dry_run?: boolean | undefined };
  readonly arriving: boolean;
}

async function hold(context: AdminContext, operator: string, act: Hold): Promise<QueueActAnswer> {
  const { verb, filter, body, arriving } = act;
  const { store } = context;
  const rows = (await store.preview(filter)).filter(({ state }) => state === 'queued');
  if (rows.length === 0 && !arriving) {
    throw new SluiceError('conflict', 'Nothing that is queued matches; nothing was changed', {
      facts: { what_to_do: 'Look at sluice queue ls. To hold what is still to arrive, say --arriving.' },
    });
  }
  const preview = previewView(rows, rowsPerS);
  if (body.dry_run === true) return answerOf(context, preview, undefined);
  return answerOf(
    context,
    preview,
    await store.holdWork(operator, { verb, filter, forS: body.for_s, arriving, reason: body.reason }),
  );
}

/** Lifts all pauses of a lane; what was shelved meanwhile comes back. Throws `conflict` when it is not paused. */
export async function resumeLane(context: AdminContext, operator: string, body: ResumeLaneBody): Promise<ReceiptView> {
  const { class: requestClass, key_group } = laneFilter(body.lane);
  const [paused, ...others] = (await context.store.receipts(1000)).filter(
    ({ verb, state, filter }) =>
      verb === 'pause' && state === 'holding' && filter.class === requestClass && filter.key_group === key_group,
  );
  if (paused === undefined) {
    throw new SluiceError('conflict', `The lane ${body.lane} is not paused`, {
      facts: { what_to_do: 'See what is held: sluice queue ls.' },
    });
  }
  for (const other of others) await actOn(context, operator, other.id, 'undo', { reason: body.reason });
  return actOn(context, operator, paused.id, 'undo', { reason: body.reason });
}

/**
 * Brings shelved requests back, each checked again, at a pace; of a park, its hold ends with it. Durable on return; goes
 * on by whichever registry process gets to it. Throws `not-found`, `conflict` when nothing is left to resubmit.
 */
export async function resubmit(context: AdminContext, operator: string, body: ResubmitBody): Promise<QueueActAnswer> {
  const { store } = context;
  if (body.states.includes('expired')) {
    throw new SluiceError('conflict', 'What has expired cannot be resubmitted', {
      facts: {
        what_to_do:
          'Its client was told not-issued, or withheld, and that is never contradicted. It asks again under the same key.',
      },
    });
  }
  const { receipt: source, rate_per_s: ratePerS, reason } = body;
  if (source !== undefined) await receiptOf(context, source);
  const filter = await checkedFilter(context, body.filter, body.all === true || source !== undefined);
  const states = body.states as ('parked' | 'failed')[]; // `expired` was refused
  const rows = (await store.preview(filter, source)).filter(({ state }) => states.some((wanted) => wanted === state));
  const preview = previewView(rows, ratePerS);
  if (body.dry_run === true) return answerOf(context, preview, undefined);
  return answerOf(context, preview, await store.resubmit(operator, { filter, states, source, ratePerS, reason }));
}

export type ReceiptVerb = 'undo' | 'pause' | 'resume' | 'stop';
const steers = { pause: 'paused', resume: 'running', stop: 'stopped' } as const;

/**
 * Undoes a hold, or steers a resubmission. Durable on return. Throws `not-found`, or `conflict` for a receipt that is not
 * in a state for it, with what is to be done instead.
 */
export async function actOn(
  context: AdminContext,
  operator: string,
  id: string,
  act: ReceiptVerb,
  { reason }: ReceiptActBody,
): Promise<ReceiptView> {
  const { store } = context;
  const receipt = await receiptOf(context, id);
  const advice = adviceAgainst(receipt, act);
  if (advice !== undefined) {
    throw new SluiceError('conflict', `The ${receipt.verb} of receipt ${id} is ${receipt.state}; nothing was changed`, {
      facts: { state: receipt.state, what_to_do: advice },
    });
  }
  if (act === 'undo') await store.undoHold(operator, id, reason);
  else await store.steer(operator, id, steers[act], reason);
  return receiptView(await receiptOf(context, id));
}

/** Undefined when it can be done; the ledger looks again under its locks. */
function adviceAgainst({ id, verb, state }: Receipt, act: ReceiptVerb): string | undefined {
  if (act !== 'undo') {
    const from = { pause: ['running'], resume: ['paused'], stop: ['running', 'paused'] }[act];
    if (from.includes(state)) return undefined;
    return verb === 'resubmit'
      ? `See how far it is: sluice queue show ${id}.`
      : `Only a resubmission can be ${steers[act]}; undo this one.`;
  }
  if (verb === 'resubmit')
    return 'What was resubmitted may be signed by now. Stop it, and park what must not be signed.';
  if (state === 'released') return 'A resubmission took it over: see sluice queue receipts.';
  return ['moving', 'holding', 'ended'].includes(state) ? undefined : 'Nothing to do: its requests are back.';
}
