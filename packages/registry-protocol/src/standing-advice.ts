import { type SubscriberStanding, silentAfterMs } from '@sluice/issuance';
import type { SubscriberView } from './admin-changes.js';

const runbook = 'runbooks/subscriber-silent.md';
const advice: Readonly<Record<SubscriberStanding, string | undefined>> = {
  applied: undefined,
  fenced: undefined,
  refused: `it keeps the older version. Read its log, correct what it refuses, or stop it: ${runbook}`,
  silent: `it is fenced when its lease is out, and can do nothing then: ${runbook}`,
  pending: `it still ends what it began before; if this lasts: ${runbook}`,
};

/** What an operator should know and do about a subscriber that has not applied a change; undefined when it is settled. */
export function standingAdvice(view: Pick<SubscriberView, 'standing' | 'heard_at' | 'renewed_at'>): string | undefined {
  const { standing, heard_at, renewed_at } = view;
  const renewedSinceMs = heard_at === null ? 0 : Date.parse(renewed_at) - Date.parse(heard_at);
  if (standing !== 'silent' || renewedSinceMs <= silentAfterMs) return advice[standing];
  return `it renews its lease, and is cut off from the registry: mend its way there, or stop it: ${runbook}`;
}
