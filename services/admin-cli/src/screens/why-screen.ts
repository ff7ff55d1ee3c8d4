import type { Why } from '@sluice/registry-protocol';
import type { Colors } from 'picocolors/types.js';
import { card, table } from './table.js';
import { durationText, timeText } from './time.js';

interface Moment {
  readonly at: string;
  readonly what: string;
  readonly facts: string;
}

function factsText(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** The steps of its life in order; a claim stands in its attempt, everything else in an event or an end. */
function momentsOf(why: Why): Moment[] {
  const claims = why.attempts.map((attempt) => ({
    at: attempt.claimed_at,
    what: 'claimed',
    facts: [
      `attempt ${attempt.attempt} by ${attempt.signer}`,
      ...(attempt.serial === '' ? [] : [`serial ${attempt.serial}`]),
      `revision ${attempt.profile_revision}`,
      `epoch ${attempt.epoch}`,
    ].join(', '),
  }));
  const events = why.events.map((event) => ({
    at: event.at,
    what: event.kind,
    facts: [
      ...(event.attempt === null || event.attempt === 0 ? [] : [`attempt ${event.attempt}`]),
      `by ${event.actor}`,
      factsText(event.detail),
    ]
      .filter((fact) => fact !== '')
      .join(', '),
  }));
  const accepted = { at: why.accepted_at, what: 'accepted', facts: `for account ${why.account}` };
  // A stable sort: of two moments of one millisecond the claim goes before what it led to.
  return [accepted, ...claims, ...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function timeline(why: Why): string {
  const beganMs = Date.parse(why.accepted_at);
  return table(
    ['TIME', 'AFTER', 'WHAT', 'FACTS'],
    momentsOf(why).map(({ at, what, facts }) => [
      `${at.slice(11, 23)}Z`,
      `+${durationText(Math.max(0, Date.parse(at) - beganMs))}`,
      what,
      facts,
    ]),
  );
}

function endText(why: Why): string {
  if (why.code !== null) return `${why.code}: ${why.detail ?? ''}`;
  if (why.withheld === true) return 'a serial was burned for it; what may exist is revoked and never handed out';
  if (why.withheld === false) return 'no signature was begun or will be';
  if (why.serial !== null) return `serial ${why.serial}, ${timeText(why.not_before)} to ${timeText(why.not_after)}`;
  return '';
}

/** A request's whole life, as a person reads it. */
export function whyScreen(why: Why, colors: Colors): string {
  const end = endText(why);
  const facts: (readonly [string, string])[] = [
    ['request', why.request_id],
    ['state', colors.bold(why.state) + (end === '' ? '' : ` – ${end}`)],
    ...(why.deadline === null ? [] : [['deadline', timeText(why.deadline)] as const]),
    ['account', why.account],
    ['profile', why.profile === '' ? '–' : `${why.profile}, accepted under revision ${why.profile_revision}`],
    ['CA', why.ca],
    ['purpose', `${why.purpose}, lane ${why.class}.${why.key_group}`],
    ['asked for', why.content],
    ['accepted', timeText(why.accepted_at)],
  ];
  const serials = why.attempts.filter(({ serial }) => serial !== '');
  const serialTable = table(
    ['SERIAL', 'STATE', 'ATTEMPT', 'SIGNER', 'LEASE UNTIL'],
    serials.map((row) => [row.serial, row.serial_state, String(row.attempt), row.signer, timeText(row.lease_until)]),
  );
  return [
    card(facts),
    `${colors.bold('Timeline')}\n${timeline(why)}`,
    ...(serials.length === 0 ? [] : [`${colors.bold('Serials')}\n${serialTable}`]),
  ].join('\n\n');
}
