import type { HoldRow } from '@sluice/ledger';
import { reportText, type Status } from '@sluice/registry-protocol';

type Guard = Status['guards'][number];
type Subscriber = Status['subscribers'][number];

/** Codes by which a front end refuses what it could not have answered in time, and what an account may not have. */
const admissionCodes: ReadonlySet<string> = new Set(['lane-full', 'overloaded', 'account-full']);
const rateCodes: ReadonlySet<string> = new Set(['rate-limited', 'quota-exceeded']);

function refusing(guard: Guard['guard'], codes: ReadonlySet<string>, { name, report }: Subscriber): Guard[] {
  const refused = Object.entries(report?.refused ?? {}).filter(([code]) => codes.has(code));
  if (refused.length === 0) return [];
  const detail = refused.map(([code, count]) => `${count} ${code}`).join(', ');
  return [{ guard, subject: name, detail: `refused within the last minute: ${detail}` }];
}

function ofSubscriber(subscriber: Subscriber): Guard[] {
  if (subscriber.standing === 'fenced' || subscriber.standing === 'silent') return [];
  const breakers = Object.entries(subscriber.report?.breakers ?? {}).filter(([, state]) => state !== 'closed');
  return [
    ...breakers.map(
      ([name, state]): Guard => ({ guard: 'breaker', subject: name, detail: `${state} at ${subscriber.name}` }),
    ),
    ...refusing('admission', admissionCodes, subscriber),
    ...refusing('rate-limit', rateCodes, subscriber),
  ];
}

function ofHold(hold: HoldRow): Guard {
  const { ca, profile, account, class: requestClass, keyGroup, arrivedBefore, fraction } = hold;
  const { reason, operator, expiresAt } = hold;
  const arrived = { 'arrived before': arrivedBefore?.toISOString() ?? null };
  const parts = Object.entries({ ca, profile, account, class: requestClass, 'key group': keyGroup, ...arrived })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${value}`);
  const share = fraction === null ? [] : [`${Math.round(fraction * 100)} %`];
  return {
    guard: 'hold',
    subject: [...share, ...parts].join(', ') || 'everything',
    detail: `until ${expiresAt.toISOString()}, by ${operator}: ${reportText(reason)}`,
  };
}

function ofCa({ name, quarantined, quarantined_tokens }: Status['cas'][number]): Guard[] {
  if (quarantined) return [{ guard: 'quarantine', subject: name, detail: 'all of its work is held' }];
  if (quarantined_tokens.length === 0) return [];
  return [{ guard: 'quarantine', subject: name, detail: `on ${quarantined_tokens.join(', ')}; other tokens sign` }];
}

/** What holds work or clients back at this moment, because it was made to. */
export function activeGuards(
  facts: Pick<Status, 'cas' | 'subscribers'> & { readonly holds: readonly HoldRow[] },
): Guard[] {
  return [...facts.cas.flatMap(ofCa), ...facts.holds.map(ofHold), ...facts.subscribers.flatMap(ofSubscriber)];
}
