import { asSluiceError, type Code, SluiceError } from '@sluice/errors';
import { classOf, type Lane } from '@sluice/issuance';
import type { AcceptRow, Standing } from '@sluice/ledger';
import { type Answer, type HungUp, locationOf, problemAnswer } from './answer.js';
import { type Call, onHangUp } from './call.js';
import type { Front } from './front.js';
import { deadlineMs, type Pending, possessionOf, timeToLiveOf } from './pending.js';
import { readPrefer, waitMaxMs } from './prefer.js';
import { readJsonBody } from './read-body.js';
import { authenticate } from './steps/1-authenticate.js';
import { readIdempotencyKey } from './steps/1-idempotency-key.js';
import { join } from './steps/1-join.js';
import { readOrder } from './steps/1-read-order.js';
import { evidenceOf } from './steps/2-subject-key.js';
import { type ValidOrder, validate, verify } from './steps/2-validate.js';
import type { Ask } from './steps/3-load-view.js';
import { accept, type StoredResult } from './steps/4-accept.js';
import { answerFor, isOpen, ordered } from './steps/10-answer-for.js';
import { timed } from './timed.js';

/** The front end decides this long before the client's wait ends, so that the decision's answer still arrives in it. */
const decisionMarginMs = 250;

/**
 * `POST /identity`: the steps of the ARCHITECTURE page, from authentication to the answer (6 to 8 are the signer's).
 * Answers within the client's wait, whatever the ledger does; what it says is never contradicted later.
 */
export function createPostIdentity(front: Front): (call: Call) => Promise<Answer | HungUp> {
  return async (call) => {
    const { request } = call;
    authenticate(front.directory(), request.headers.authorization);
    const idempotencyKey = readIdempotencyKey(request);
    const preference = readPrefer(joined(request.headers.prefer));
    const body = await readJsonBody(request);
    if (body === 'hung-up') return body;
    const order = readOrder(body.json);
    // Once more: the registry may have changed while a slow sender sent.
    const directory = front.directory();
    const account = authenticate(directory, request.headers.authorization);
    // The wait begins when the whole order is here: a slow sender does not use up its own wait.
    const startedAtMs = front.clock.monotonicMs();
    const decideAtMs = startedAtMs + Math.max(0, preference.waitMs - decisionMarginMs);
    const pending: Pending = {
      directory,
      account,
      order,
      preference,
      idempotencyKey,
      startedAtMs,
      decideAtMs,
      fate: 'not-issued',
      charge: undefined,
      valid: undefined,
      place: undefined,
      requestId: undefined,
      waiter: undefined,
      hungUp: false,
    };
    onHangUp(call, () => {
      pending.hungUp = true;
      pending.waiter?.leave();
    });
    const answer = await inTime(
      front,
      pending,
      issue(front, pending).catch((thrown: unknown) => failed(front, pending, thrown)),
    );
    if (answer !== 'hung-up') {
      await front.checkpoint('identity-api:before-answer');
      front.metrics.step('all', front.clock.monotonicMs() - startedAtMs);
    }
    return preference.applied === undefined || answer === 'hung-up' ? answer : withApplied(answer, preference.applied);
  };
}

/**
 * Steps 1 (join) to 10. Accepting joins a known key by itself, so an order is not looked up first. But a known key joins
 * whatever registry, lane and clock say meanwhile: nobody is refused before the look-up has said that the key is new.
 */
async function issue(front: Front, pending: Pending): Promise<Answer | HungUp> {
  const standing = await front.acceptsUnderWay
    .run(() => enter(front, pending))
    .catch((thrown: unknown) => {
      if (pending.fate !== 'unknown') pending.charge?.notStored();
      throw thrown;
    });
  return await waitAndAnswer(front, pending, standing);
}

/** Steps 1 (join) to 5, by one directory from beginning to end. */
async function enter(front: Front, pending: Pending): Promise<Standing> {
  let row: AcceptRow;
  try {
    pending.charge = await timed(front, 'charge', front.charges.order(pending.account));
    row = await prepare(front, pending);
  } catch (refused) {
    const known = await join(front, pending, refused);
    if (known?.state === 'expired' && known.withheld) pending.fate = 'withheld';
    if (known === undefined || known.state === 'expired') throw refused;
    return known;
  }
  return await store(front, pending, row);
}

/** Steps 2 and 3; admitted on return. */
async function prepare(front: Front, pending: Pending): Promise<AcceptRow> {
  const { metrics, clock } = front;
  const validatingAtMs = clock.monotonicMs();
  const valid = validate(pending.directory, pending.account, pending.order, clock.epochMs());
  pending.valid = valid;
  metrics.step('validate', clock.monotonicMs() - validatingAtMs);

  if (front.waiters.full && pending.preference.waitMs > 0)
    throw new SluiceError('unavailable', 'Too many wait already');
  const ask = askOf(front, pending, valid);
  pending.place = front.admission.admit(ask);
  try {
    await timed(front, 'verify-key', verify(valid.key, possessionOf(front, pending)));
    refuseLate(front, pending);
    return acceptRowOf(front, pending, valid, ask);
  } catch (thrown) {
    pending.place.giveBack();
    throw thrown;
  }
}

/** Where it would go. Whoever would look again anyway does not wait where there is no room: it becomes async. */
function askOf(front: Front, pending: Pending, { ca }: ValidOrder): Ask {
  const { account, preference, decideAtMs } = pending;
  const waitMs = deadlineMs(front, pending);
  const ask: Ask = {
    class: classOf('subscriber', preference.waitMs > 0),
    keyGroup: ca.keyGroup,
    account: account.name,
    ca: ca.name,
    held: ca.quarantined,
    waitMs,
  };
  if (!preference.respondAsync || preference.waitMs === 0) return ask;
  const inWait = front.admission.fits({ ...ask, waitMs: decideAtMs - front.clock.monotonicMs() });
  return inWait ? ask : { ...ask, class: classOf('subscriber', false) };
}

function refuseLate(front: Front, { preference, decideAtMs }: Pending): void {
  if (preference.waitMs > 0 && front.clock.monotonicMs() >= decideAtMs) {
    throw new SluiceError('unavailable', 'The wait was over before anything was stored');
  }
}

/**
 * Step 4: a new request, or one joined in the same commit. A key whose request expired is accepted once more, reopening
 * it. Step 5 follows from the commit by itself.
 */
async function store(front: Front, pending: Pending, row: AcceptRow): Promise<Standing> {
  const { place } = pending;
  const result = await acceptRow(front, pending, row).catch((thrown: unknown) => {
    if (pending.fate === 'unknown') place?.stored();
    else place?.giveBack();
    throw thrown;
  });
  if (result.verdict === 'accepted') place?.stored();
  if (result.verdict === 'joined') {
    place?.giveBack();
    const { standing } = result;
    if (standing.state === 'expired' && row.idempotencyKey !== undefined && row.reopens === undefined) {
      pending.fate = 'not-issued';
      refuseLate(front, pending);
      const waitMs = deadlineMs(front, pending);
      pending.place = front.admission.admit({
        ...row,
        waitMs,
        held: pending.directory.ca(row.ca)?.quarantined ?? false,
      });
      return await store(front, pending, { ...row, reopens: standing.requestId, waitMs });
    }
  }
  pending.requestId = result.requestId;
  front.metrics.accepted(result.verdict);
  if (result.verdict === 'joined') {
    pending.charge?.joined();
    return result.standing;
  }
  const { requestId, account, profile, ca } = row;
  const acceptedAt = new Date(front.clock.epochMs());
  return { requestId, account, profile, ca, acceptedAt, state: 'queued', deadline: result.deadline, attempt: 0 };
}

/** One accept, and what its verdict means for this order. */
async function acceptRow(front: Front, pending: Pending, row: AcceptRow): Promise<StoredResult> {
  await front.checkpoint('identity-api:before-accept');
  pending.fate = 'unknown';
  const acceptance = await timed(front, 'accept', accept(front.ledger, row));
  if (!acceptance.stored) {
    const { code } = acceptance.error;
    pending.fate = code === 'payload-mismatch' ? undefined : 'not-issued';
    if (code === 'fenced' || code === 'stale-snapshot') front.onFenced();
    throw acceptance.error;
  }
  await front.checkpoint('identity-api:after-accept');
  // Crash here: accepted and committed. A client that asks again with the same key joins it.
  return acceptance.result;
}

function acceptRowOf(front: Front, pending: Pending, valid: ValidOrder, lane: Lane): AcceptRow {
  return {
    requestId: front.newRequestId(front.clock.epochMs()),
    epoch: BigInt(pending.directory.epoch),
    account: pending.account.name,
    profile: valid.profile.name,
    profileRevision: valid.profile.revision,
    ca: valid.ca.name,
    keyGroup: lane.keyGroup,
    class: lane.class,
    content: valid.content,
    spki: valid.key.brought.spki,
    evidence: evidenceOf(valid.key),
    fingerprint: valid.fingerprint,
    idempotencyKey: pending.idempotencyKey,
    payloadHash: pending.order.payloadHash,
    waitMs: deadlineMs(front, pending),
  };
}

/** Steps 9 and 10. */
async function waitAndAnswer(front: Front, pending: Pending, standing: Standing): Promise<Answer | HungUp> {
  const { directory, preference } = pending;
  const answerOf = (reached: Standing) => answerFor(reached, { directory, random: front.random, status: ordered });
  if (!isOpen(standing)) return answerOf(standing);
  // Its deadline is the profile's time to live already (deadlineMs): it goes on without us.
  if (preference.waitMs === 0) return answerOf(standing);
  if (pending.hungUp) return 'hung-up';
  if (front.waiters.fullFor(standing.requestId)) throw new SluiceError('outcome-unknown', 'Too many wait already');

  const waitingAtMs = front.clock.monotonicMs();
  const held = directory.ca(standing.ca)?.quarantined ? 'held' : undefined;
  const waiter = front.waiters.wait(standing.requestId, pending.decideAtMs - waitingAtMs, held);
  pending.waiter = waiter;
  const end = await waiter.ended;
  front.metrics.step('wait', front.clock.monotonicMs() - waitingAtMs);
  if (end === 'hung-up') return end;
  if (end !== 'time-over') return answerOf(end);
  if (preference.respondAsync) return answerOf(standing);

  const timeToLiveMs = timeToLiveOf(pending);
  const deciding = front.ledger.decide(standing.requestId, standing.deadline, timeToLiveMs);
  const decided = await timed(front, 'decide', deciding).catch((thrown: unknown) => {
    // It may have been decided either way: nothing is said that could prove false.
    throw new SluiceError('outcome-unknown', undefined, { cause: thrown });
  });
  return answerOf(decided);
}

/** The answer, or `outcome-unknown` when the client's wait is over first: a ledger that hangs holds nobody. */
async function inTime(front: Front, pending: Pending, answering: Promise<Answer | HungUp>): Promise<Answer | HungUp> {
  const { waitMs } = pending.preference;
  const leftMs = pending.startedAtMs + (waitMs === 0 ? waitMaxMs : waitMs) - front.clock.monotonicMs();
  let takeBack = (): void => undefined;
  const late = new Promise<Answer>((resolve) => {
    takeBack = front.clock.after(leftMs, () => {
      pending.fate = 'unknown';
      resolve(failed(front, pending, new SluiceError('outcome-unknown', 'The ledger did not answer in time')));
    });
  });
  try {
    return await Promise.race([answering, late]);
  } finally {
    takeBack();
  }
}

/** An order that ended in an error, with the fate that is true at this moment. */
function failed(front: Front, pending: Pending, thrown: unknown): Answer {
  const error = asSluiceError(thrown);
  const fate = error.code === 'outcome-unknown' ? 'unknown' : pending.fate;
  if (fate === 'not-issued') {
    const ca = pending.directory.profile(pending.order.profile)?.ca ?? '';
    front.metrics.refused(error.code, { account: pending.account.name, ca });
  }
  const location = pending.requestId === undefined ? undefined : locationOf(pending.requestId);
  const told = fate === 'not-issued' && mayHaveTwin(pending, error) ? 'unknown' : fate;
  return problemAnswer(error, { fate: told, location, random: front.random });
}

/** Faults that are in the payload alone: any front end, at any time, refuses it for them. */
const faultsOfPayload: ReadonlySet<Code> = new Set(['body-invalid', 'csr-invalid']);

/**
 * Of an order under a key more is asked than what became of this call. A twin with the same key may be committing at
 * another front end, which the look-up did not see: with another clock, another revision of the profile, or more room
 * in the lane. It may be issued after this call was refused.
 */
function mayHaveTwin({ idempotencyKey }: Pending, { code }: SluiceError): boolean {
  return idempotencyKey !== undefined && !faultsOfPayload.has(code);
}

function withApplied(answer: Answer, applied: string): Answer {
  return { ...answer, headers: { ...answer.headers, 'preference-applied': applied } };
}

function joined(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(', ');
}
