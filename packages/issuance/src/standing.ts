/** How a subscriber stands to a version of the registry, the first that is true of it in this order. */
export const subscriberStandings = ['fenced', 'applied', 'refused', 'silent', 'pending'] as const;
export type SubscriberStanding = (typeof subscriberStandings)[number];

/** What is stored about a subscriber's present incarnation. */
export interface Hearing {
  readonly service: string;
  /** Its lease ran out, and that was written down: it can neither accept nor claim any more. */
  readonly fenced: boolean;
  /** The newest version that it proved to act on; 0 before the first. */
  readonly acknowledgedEpoch: bigint;
  /** The newest version that it refused to act on; 0 when it refused none. */
  readonly refusedEpoch: bigint;
  /** Its last sign of life on its stream, or its enrolment. */
  readonly heardAt: Date;
}

/**
 * Two heartbeats of 5 s, the second of which takes up to a second more to be written down. So whoever freezes is shown as
 * silent within 15 s, also when it had just been heard and somebody looks once a second.
 */
export const silentAfterMs = 12_000;
/** The registry's own processes answer no heartbeats; they renew their leases every 10 s. */
const silentLeaseAfterMs = 15_000;

/** Services that act on what is pushed. The registry's own processes read the ledger, and nobody waits for them. */
const awaitedServices: ReadonlySet<string> = new Set(['identity-api', 'signer', 'ocsp-responder']);

/** Must a change reach processes of this service before it counts as applied everywhere? */
export function isAwaited(service: string): boolean {
  return awaitedServices.has(service);
}

/** Not heard for longer than one that lives would be silent. */
export function isSilent({ service, heardAt }: Pick<Hearing, 'service' | 'heardAt'>, now: Date): boolean {
  return now.getTime() - heardAt.getTime() > (isAwaited(service) ? silentAfterMs : silentLeaseAfterMs);
}

/** Epochs that it has yet to prove; of one that has proved nothing since it enrolled, that it says it has yet to apply. */
export function lagEpochs(epoch: bigint, { acknowledged, applied }: { acknowledged: bigint; applied: bigint }): bigint {
  const reached = acknowledged > 0n ? acknowledged : applied;
  return reached < epoch ? epoch - reached : 0n;
}

/**
 * A subscriber's standing for the version of this epoch (DESIGN section 3). What it proved stands whether or not it is
 * heard now: it does not forget, and a start anew is a new incarnation, with nothing proved.
 */
export function standingFor(epoch: bigint, subscriber: Hearing, now: Date): SubscriberStanding {
  if (subscriber.fenced) return 'fenced';
  const silent = isSilent(subscriber, now);
  if (!isAwaited(subscriber.service)) return silent ? 'silent' : 'applied';
  if (subscriber.acknowledgedEpoch >= epoch) return 'applied';
  if (subscriber.refusedEpoch >= epoch) return 'refused';
  return silent ? 'silent' : 'pending';
}

/** Nothing is waited for any more: it has applied the version, or it can no longer act on an older one. */
export function isSettled(standing: SubscriberStanding): boolean {
  return standing === 'applied' || standing === 'fenced';
}
