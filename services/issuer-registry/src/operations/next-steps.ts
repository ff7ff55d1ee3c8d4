import { codes } from '@sluice/errors';
import { dispositionOf } from '@sluice/issuance';
import { proposalCommand, type Status, standingAdvice } from '@sluice/registry-protocol';

type Facts = Omit<Status, 'next_steps'>;

/** Work that waits longer than this in a lane is worth a look. */
const oldestAgeMsMax: Readonly<Record<string, number>> = {
  urgent: 2000,
  interactive: 2000,
  async: 60_000,
  background: 3_600_000,
};
const expiryNoticeDays = 30;
const tokenRunbook = 'Do as runbooks/signer-token-failure.md says.';

function isCode(text: string): text is keyof typeof codes {
  return Object.hasOwn(codes, text);
}

/** Key work is taken within a second or two by any signer of its group: what waits longer has none. */
const keyWorkAgeMsMax = 10_000;

function aboutPending(name: string, keyGroup: string, { lanes, subscribers }: Facts): string {
  const ageMs = lanes.find(({ lane }) => lane === `async.${keyGroup}`)?.oldest_age_ms ?? 0;
  const signerLives = subscribers.some(
    ({ service, standing }) => service === 'signer' && (standing === 'applied' || standing === 'pending'),
  );
  if (signerLives && ageMs <= keyWorkAgeMsMax) {
    return `CA ${name} is pending: a signer of key group ${keyGroup} makes it; if this lasts, read that signer's log.`;
  }
  return `CA ${name} is pending and no signer takes its work: start one with key group ${keyGroup}.`;
}

function aboutCas(facts: Facts): string[] {
  return facts.cas.flatMap((ca) => {
    const steps: string[] = [];
    if (ca.quarantined) {
      steps.push(
        `CA ${ca.name} is quarantined: no token of ${ca.key_group} has its key, its work is held. ${tokenRunbook}`,
      );
    } else if (ca.quarantined_tokens.length > 0) {
      const tokens = ca.quarantined_tokens.join(', ');
      steps.push(`CA ${ca.name} is quarantined on ${tokens}: its key is missing there, others sign. ${tokenRunbook}`);
    }
    if (ca.state === 'pending') steps.push(aboutPending(ca.name, ca.key_group, facts));
    const daysLeft = ca.not_after === null ? Infinity : (Date.parse(ca.not_after) - Date.parse(facts.at)) / 86_400_000;
    if (daysLeft < expiryNoticeDays && ca.state !== 'destroyed') {
      steps.push(`CA ${ca.name} expires ${ca.not_after}: create its successor with sluice ca create.`);
    }
    return steps;
  });
}

function aboutLanes({ lanes }: Facts): string[] {
  return lanes
    .filter(({ lane, oldest_age_ms }) => oldest_age_ms > (oldestAgeMsMax[lane.split('.')[0] ?? ''] ?? 0))
    .map(({ lane, queued, oldest_age_ms }) => {
      const waits = `${queued} queued, the oldest for ${Math.round(oldest_age_ms / 1000)} s`;
      return `Lane ${lane} waits (${waits}): look at its signers below; more of them, or what they log.`;
    });
}

/** What a live process says is wrong with it: its checks, and breakers that no check speaks of. */
function aboutReport(who: string, report: Facts['subscribers'][number]['report']): string[] {
  if (report === null) return [];
  const { ready, troubles, breakers } = report;
  const said = Object.entries(troubles).map(([name, trouble]) => `${name}: ${trouble}`);
  const open = Object.entries(breakers).flatMap(([name, state]) => (state === 'closed' ? [] : [name]));
  if (open.length > 0) said.push(`breaker open: ${open.join(', ')}`);
  if (said.length === 0 && ready) return [];
  return [`${who} is ${ready ? 'ready, but' : 'not ready:'} ${said.join(' · ')}.`];
}

function aboutSubscribers({ epoch, subscribers }: Facts): string[] {
  return subscribers.flatMap(({ name, service, standing, acknowledged_epoch, heard_at, refusal, report }) => {
    const who = `${name} (${service})`;
    if (standing === 'applied') return aboutReport(who, report);
    if (standing === 'fenced') {
      const gone = `start it, or if it was taken away for good: sluice subscribers forget ${name} --reason '…'`;
      return [`${who} is fenced, last heard ${heard_at ?? 'never'}: ${gone}`];
    }
    const why = standing === 'refused' && refusal !== null ? ` (${refusal.reason})` : '';
    const behind = `${who} is ${standing}${why} and has applied epoch ${acknowledged_epoch} of ${epoch}`;
    const said = standing === 'silent' ? [] : aboutReport(who, report);
    return [`${behind}: ${standingAdvice[standing]}.`, ...said];
  });
}

/** Whoever still asks a CA or profile that does not permit it was not told: the start of the incident this is built against. */
function aboutEnds({ recent_ends }: Facts): string[] {
  return recent_ends
    .filter(({ code }) => code !== null && isCode(code) && dispositionOf(code) === 'administrative')
    .map(
      ({ code, count, state }) =>
        `${count} requests ended ${state} with ${code} within the hour: find who still asks, and tell them.`,
    );
}

function aboutProposals({ proposals }: Facts): string[] {
  return proposals.map((proposal) => {
    const { proposed_by, expires_at } = proposal;
    return `${proposed_by} waits for a second operator until ${expires_at}: ${proposalCommand(proposal)}`;
  });
}

/** What an operator should do next, most pressing first; empty when all is well. */
export function nextSteps(facts: Facts): string[] {
  return [
    ...aboutCas(facts),
    ...aboutLanes(facts),
    ...aboutSubscribers(facts),
    ...aboutProposals(facts),
    ...aboutEnds(facts),
  ];
}
