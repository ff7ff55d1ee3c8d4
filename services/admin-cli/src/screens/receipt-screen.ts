import type { PreviewView, ReceiptDetail, ReceiptView } from '@sluice/registry-protocol';
import { filterText } from '../commands/queue-options.js';
import { card, table } from './table.js';
import { durationText, timeText } from './time.js';

/** What an act would be about, before it is confirmed. */
export function previewScreen(preview: PreviewView): string {
  const rows = preview.by.map((row) => [row.state, row.class, String(row.count), timeText(row.oldest)]);
  const lines = [
    `${preview.matched} requests match; it takes about ${durationText(preview.takes_s * 1000)}.`,
    ...(rows.length === 0 ? [] : ['', table(['STATE', 'CLASS', 'COUNT', 'OLDEST'], rows)]),
    ...(preview.waiting === 0
      ? []
      : ['', `Somebody may be waiting for ${preview.waiting} of them: told 202 within a second, to be polled for.`]),
  ];
  return lines.join('\n');
}

const done = (receipt: ReceiptView): number =>
  receipt.state === 'undoing' || receipt.state === 'undone' ? receipt.returned : receipt.moved + receipt.passed_over;

/** A park may move more than it matched: it catches what arrives. */
function total(receipt: ReceiptView): number {
  if (receipt.state === 'undoing' || receipt.state === 'undone') return receipt.moved;
  return Math.max(receipt.matched, done(receipt));
}

/** How far it is and how long it will still take, by how fast it went; nothing is promised while it stands still. */
export function progressLine(receipt: ReceiptView, lately: { readonly perS: number } | undefined): string {
  const left = Math.max(0, total(receipt) - done(receipt));
  const part = total(receipt) === 0 ? 1 : Math.min(1, done(receipt) / total(receipt));
  const filled = Math.round(part * 30);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(30 - filled)}`;
  const count = `${done(receipt)} of ${total(receipt)}`;
  return `${receipt.state.padEnd(8)} ${bar} ${count}${estimate(receipt, left, lately)}`;
}

function estimate(receipt: ReceiptView, left: number, lately: { readonly perS: number } | undefined): string {
  if (receipt.waits_for !== null) return `, waits for ${receipt.waits_for}`;
  if (left === 0 || !['moving', 'undoing', 'running'].includes(receipt.state)) return '';
  if (lately === undefined) return ', no estimate yet';
  if (lately.perS < 0.1) return ', no estimate: it has not moved lately';
  return `, ${Math.round(lately.perS)}/s lately, about ${durationText((left / lately.perS) * 1000)} at that pace`;
}

export function receiptScreen({ receipt, results }: ReceiptDetail): string {
  const counts = results.map(({ result, count }) => [result ?? 'still to come', String(count)]);
  return [
    card([
      ['receipt', receipt.id],
      ['verb', receipt.verb],
      ['state', receipt.waits_for === null ? receipt.state : `${receipt.state}, waits for ${receipt.waits_for}`],
      ['what', filterText(receipt.filter)],
      ['why', receipt.reason],
      ['by', `${receipt.operator}, ${timeText(receipt.made_at)}`],
      ['holds until', timeText(receipt.holds_until)],
      ['matched', String(receipt.matched)],
      [receipt.verb === 'resubmit' ? 'resubmitted' : 'to the shelf', String(receipt.moved)],
      ['passed over', String(receipt.passed_over)],
      ['brought back', String(receipt.returned)],
      ...(receipt.source === null ? [] : ([['of the park', receipt.source]] as const)),
      ...(receipt.rate_per_s === null ? [] : ([['pace', `${receipt.rate_per_s}/s`]] as const)),
    ]),
    ...(counts.length === 0 ? [] : ['', table(['RESULT', 'COUNT'], counts)]),
  ].join('\n');
}

export function receiptsScreen(receipts: readonly ReceiptView[]): string {
  if (receipts.length === 0) return 'No receipts yet.';
  const rows = receipts.map((receipt) => [
    receipt.id,
    receipt.verb,
    receipt.state,
    `${done(receipt)} of ${total(receipt)}`,
    receipt.operator,
    timeText(receipt.made_at),
    filterText(receipt.filter),
  ]);
  return table(['RECEIPT', 'VERB', 'STATE', 'DONE', 'BY', 'MADE', 'WHAT'], rows);
}
