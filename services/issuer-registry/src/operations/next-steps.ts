import { isCode } from '@sluice/errors';
import { dispositionOf, type RequestClass } from '@sluice/issuance';
import { proposalCommand, type Status, standingAdvice } from '@sluice/registry-protocol';

type Facts = Omit<Status, 'next_steps'>;

/** Work that waits longer than this in a lane is worth a look. */
const oldestAgeMsMax: Readonly<Record<RequestClass, number>> = {
  urgent: 2000,
  interactive: 2000,
  async: 60_000,
  background: 3_600_000,
};
const expiryNoticeDays = 30;
const tokenRunbook = 'Do as runbooks/signer-token-failure.md says.';

/** Key work is taken within a second or two by any signer of its group: what waits longer has none. */
const keyWorkAgeMsMax = 10_000;

function aboutPending(name: string, keyGroup: string, { work, subscribers }: Facts): string {
  const ages = work.flatMap((row) => (row.class === 'async' && row.key_group === keyGroup ? [row.oldest_age_ms] : []));
  const ageMs = Math.max(0, ...ages);
  const signerLives = subscribers.some(
    ({ service, standing }) => service === 'signer' && (standing === 'applied' || standing === 'pending'),
  );
  if (signerLives && ageMs <= keyWorkAgeMsMax) {
    return `CA ${name} is pending: a signer of key group ${keyGroup} makes it; if this lasts, read that signer's log.`;
  }
  return `CA ${name} is pending and no signer takes its work: start one with key group ${keyGroup}.`;
}

const missingOn = ({ quarantined_tokens }: Facts['cas'][number]): string =>
  quarantined_tokens.length > 0 ? ` (missing on ${quarantined_tokens.join(', ')})` : '';

function aboutCas(facts: Facts): string[] {
  return facts.cas.flatMap((ca) => {
    const steps: string[] = [];
    if (ca.quarantined) {
      steps.push(
        `CA ${ca.name} is quarantined: no token of ${ca.key_group} has its key${missingOn(ca)}, its work is held. ${tokenRunbook}`,
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

function aboutWork({ work }: Facts): string[] {
  return work.flatMap((row) => {
    const { class: requestClass, ca, queued, parked, failed, oldest_age_ms, drained_per_second } = row;
    const steps: string[] = [];
    if (oldest_age_ms > oldestAgeMsMax[requestClass]) {
      const waits = `${queued} queued, the oldest claimable for ${Math.round(oldest_age_ms / 1000)} s`;
      const why =
        drained_per_second === 0
          ? `nothing of it is signed. ${tokenRunbook}`
          : 'it comes faster than it is signed. Do as runbooks/queue-flood.md says.';
      steps.push(`${requestClass} work for ${ca} waits (${waits}): ${why}`);
    }
    if (parked > 0) {
      steps.push(
        `${parked} ${requestClass} requests for ${ca} are parked and expire unless a person brings them back. Do as runbooks/release-parked.md says.`,
      );
    }
    if (failed > 0) {
      steps.push(
        `${failed} ${requestClass} requests for ${ca} failed at every attempt: see one with sluice why, then do as runbooks/release-parked.md says.`,
      );
    }
    return steps;
  });
}

function aboutAdmission({ guards }: Facts): string[] {
  return guards
    .filter(({ guard }) => guard === 'admission')
    .map(({ subject, detail }) => `${subject} ${detail}. Do as runbooks/queue-flood.md says.`);
}

/** Below it, somebody's mistake; from it on, somebody's loop. */
const floodPerMinuteMin = 60;

function aboutFloods({ floods }: Facts): string[] {
  return floods
    .filter(({ per_minute }) => per_minute >= floodPerMinuteMin)
    .map(({ ca, account, code, per_minute }) => {
      const who = account === '' ? 'Somebody' : account;
      const asked = `${who} is refused ${Math.round(per_minute)} times a minute with ${code}${ca === '' ? '' : ` for ${ca}`}`;
      const page = isCode(code) && dispositionOf(code) === 'administrative' ? 'requests-rejected' : 'queue-flood';
      return `${asked}: find out why they ask, and do as runbooks/${page}.md says.`;
    });
}

/** Dead rows beyond what a minute of heavy traffic leaves. */
const deadRowsMax = 50_000;
const transactionMsMax = 60_000;

function aboutVacuum({ vacuum: { dead_rows, oldest_transaction_ms, held_by } }: Facts): string[] {
  if (dead_rows < deadRowsMax || oldest_transaction_ms < transactionMsMax) return [];
  const since = `open for ${Math.round(oldest_transaction_ms / 60_000)} min (${held_by ?? 'unknown'})`;
  return [`A transaction ${since} keeps ${dead_rows} dead rows in the queue. Do as runbooks/open-transaction.md says.`];
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
  return subscribers.flatMap((subscriber) => {
    const { name, service, standing, acknowledged_epoch, heard_at, refusal, report } = subscriber;
    const who = `${name} (${service})`;
    if (standing === 'applied') return aboutReport(who, report);
    if (standing === 'fenced') {
      const gone = `start it, or if it was taken away for good: sluice subscribers forget ${name} --reason '…'`;
      return [`${who} is fenced, last heard ${heard_at ?? 'never'}: ${gone}`];
    }
    const why = standing === 'refused' && refusal !== null ? ` (${refusal.reason})` : '';
    const behind = `${who} is ${standing}${why} and has applied epoch ${acknowledged_epoch} of ${epoch}`;
    const said = standing === 'silent' ? [] : aboutReport(who, report);
    return [`${behind}: ${standingAdvice(subscriber)}.`, ...said];
  });
}

/** Whoever still asks a CA or profile that does not permit it was not told: the start of the incident this is built against. */
function aboutEnds({ recent_ends, ends_since }: Facts): string[] {
  return recent_ends
    .filter(({ code }) => code !== null && isCode(code) && dispositionOf(code) === 'administrative')
    .map(
      ({ code, count, state }) =>
        `${count} requests ended ${state} with ${code} since ${ends_since}: find who still asks, and tell them.`,
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
    ...aboutWork(facts),
    ...aboutAdmission(facts),
    ...aboutSubscribers(facts),
    ...aboutFloods(facts),
    ...aboutVacuum(facts),
    ...aboutProposals(facts),
    ...aboutEnds(facts),
  ];
}
