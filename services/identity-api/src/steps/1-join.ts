import { asSluiceError, type Code, SluiceError } from '@sluice/errors';
import type { Standing } from '@sluice/ledger';
import type { Front } from '../front.js';
import { deadlineMs, type Pending, possessionOf } from '../pending.js';
import { timed } from '../timed.js';
import { type ValidOrder, validate, verify } from './2-validate.js';

/** Nothing is wrong with such an order: there is no room for another one. */
const forWantOfRoom: ReadonlySet<Code> = new Set([
  'rate-limited',
  'quota-exceeded',
  'overloaded',
  'lane-full',
  'account-full',
]);

/**
 * Step 1: what is about to be refused joins the request that it repeats, if there is one. A known key does, whatever it
 * is refused for; without a key an equal order that is open or shelved is joined where there is no room for a new one.
 * Beyond the account's rate both have the limit of joins: past it nothing is looked up.
 */
export async function join(front: Front, pending: Pending, refused: unknown): Promise<Standing | undefined> {
  const { account, idempotencyKey } = pending;
  if (idempotencyKey === undefined && !forWantOfRoom.has(asSluiceError(refused).code)) return undefined;
  if (pending.charge === undefined && !(await front.charges.join(account))) return undefined;
  const known =
    idempotencyKey === undefined ? await equal(front, pending) : await byKey(front, pending, idempotencyKey);
  if (known === undefined || known.state === 'expired') return known;
  pending.charge?.joined();
  pending.requestId = known.requestId;
  front.metrics.accepted('joined');
  return known;
}

async function byKey(front: Front, pending: Pending, idempotencyKey: string): Promise<Standing | undefined> {
  const { account, order } = pending;
  const joining = front.ledger.join(account.name, idempotencyKey, order.payloadHash, deadlineMs(front, pending));
  const known = await timed(front, 'join', joining).catch((thrown: unknown) => {
    throw new SluiceError('outcome-unknown', undefined, { cause: thrown });
  });
  if (known === undefined || known.samePayload) return known?.standing;
  // Nothing is said of the fate of the request that holds the key: it is not this one.
  pending.fate = undefined;
  throw new SluiceError('payload-mismatch');
}

/** Where the ledger does not answer, it is refused as it was: nothing of it is stored. */
async function equal(front: Front, pending: Pending): Promise<Standing | undefined> {
  const valid = pending.valid ?? validated(front, pending);
  if (valid === undefined) return undefined;
  const { fingerprint, key } = valid;
  const joining = front.ledger.joinEqual(pending.account.name, fingerprint, deadlineMs(front, pending));
  const known = await timed(front, 'join', joining).catch(() => undefined);
  // Only now the dear part: that its sender has the key. Of what was joined meanwhile nothing but the deadline changed.
  if (known !== undefined) await timed(front, 'verify-key', verify(key, possessionOf(front, pending)));
  return known;
}

/** What is wrong with it is told when there is room for it. */
function validated(front: Front, { directory, account, order }: Pending): ValidOrder | undefined {
  try {
    return validate(directory, account, order, front.clock.epochMs());
  } catch {
    return undefined;
  }
}
