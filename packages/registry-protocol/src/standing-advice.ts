import type { SubscriberStanding } from '@sluice/issuance';

/** What an operator should know and do about a subscriber that has not applied a change; undefined when it is settled. */
export const standingAdvice: Readonly<Record<SubscriberStanding, string | undefined>> = {
  applied: undefined,
  fenced: undefined,
  refused:
    'it keeps the older version. Read its log, correct what it refuses, or stop it: runbooks/subscriber-silent.md',
  silent: 'it is fenced when its lease is out, and can do nothing then: runbooks/subscriber-silent.md',
  pending: 'it still ends what it began before; if this lasts: runbooks/subscriber-silent.md',
};
