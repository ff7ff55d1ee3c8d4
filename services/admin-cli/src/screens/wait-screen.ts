import { isSettled } from '@sluice/issuance';
import { type ChangeView, type SubscriberView, standingAdvice } from '@sluice/registry-protocol';
import type { Colors } from 'picocolors/types.js';
import { heardText, paintStanding } from './subscribers-screen.js';
import { table } from './table.js';
import { durationText, timeText } from './time.js';

/** What came of waiting for a change. */
export interface Waited {
  /** As last seen; undefined when the registry did not answer any more. */
  readonly change: ChangeView | undefined;
  /** From the command; negative for a claim before it, null for none. */
  readonly last_claim_ms: number | null;
  readonly last_acknowledgement_ms: number | null;
}

/** Rows of the moving picture: more would scroll it. */
const shownMax = 12;

const missing = ({ subscribers }: ChangeView): SubscriberView[] =>
  subscribers.filter(({ standing }) => !isSettled(standing));

function countText(change: ChangeView): string {
  const { epoch, subscribers } = change;
  const fenced = subscribers.filter(({ standing }) => standing === 'fenced').length;
  const applied = subscribers.filter(({ standing }) => standing === 'applied').length;
  const less = fenced > 0 ? `, ${fenced} fenced` : '';
  return `Epoch ${epoch}: applied by ${applied} of ${subscribers.length}${less}`;
}

/** Who is missing, as a person sees it move. */
export function waitPicture(change: ChangeView, elapsedMs: number, colors: Colors): string {
  const left = missing(change);
  const rows = left.slice(0, shownMax).map((subscriber) => {
    const { name, service, acknowledged_epoch, heard_at } = subscriber;
    return [name, service, paintStanding(colors, subscriber), acknowledged_epoch, heardText(heard_at, change.at)];
  });
  const more = left.length > shownMax ? [`… and ${left.length - shownMax} more`] : [];
  const head = `${colors.bold(countText(change))}, ${durationText(elapsedMs)}`;
  return [head, table(['MISSING', 'SERVICE', 'STANDING', 'EPOCH', 'LAST HEARD'], rows), ...more].join('\n');
}

/** The same in one line, for a log. */
export function waitLine(change: ChangeView): string {
  const names = missing(change).map(({ name, service, standing }) => `${name} (${service}, ${standing})`);
  return `${countText(change)}; missing: ${names.join(', ')}`;
}

/** `312 ms after the command`, `4 s before the command`. */
function sinceText(sinceMs: number | null, never: string): string {
  if (sinceMs === null) return never;
  return `${durationText(Math.abs(sinceMs))} ${sinceMs < 0 ? 'before' : 'after'} the command`;
}

function missingLines(change: ChangeView): string[] {
  return missing(change).map((subscriber) => {
    const { name, service, standing, refusal, lease_until } = subscriber;
    const about =
      standing === 'refused' && refusal !== null
        ? `refused (${refusal.code}: ${refusal.reason})`
        : `${standing}, last heard ${heardText(subscriber.heard_at, change.at)}, lease until ${timeText(lease_until)}`;
    return `  ${name} (${service}) ${about}: ${standingAdvice(subscriber)}.`;
  });
}

/** How the waiting ended: times when all have applied it, else who has not and what to do. */
export function waitScreen(waited: Waited, stops: boolean, colors: Colors): string {
  const { change, last_claim_ms, last_acknowledgement_ms } = waited;
  if (change === undefined) {
    return colors.yellow(
      'The registry does not answer, so that it is not known who has applied it: sluice subscribers.',
    );
  }
  const times = [
    ...(stops ? [`  last claim            ${sinceText(last_claim_ms, 'none')}`] : []),
    `  last acknowledgement  ${sinceText(last_acknowledgement_ms, 'none')}`,
  ];
  if (change.settled) return [`${colors.green(countText(change))}.`, ...times].join('\n');
  return [
    colors.yellow(`${countText(change)}. Still missing:`),
    ...missingLines(change),
    ...times,
    `The change holds: the ledger decides each claim by it. See again: sluice subscribers --epoch ${change.epoch}`,
  ].join('\n');
}
