import type { MixtureReport } from './run-mixture.js';

/** What many mixtures came to, for people. */
export function summaryOf(reports: readonly MixtureReport[]): string {
  const total = (pick: (report: MixtureReport) => number): number => reports.reduce((sum, one) => sum + pick(one), 0);
  const spread = (pick: (report: MixtureReport) => number): string => {
    const sorted = reports.map(pick).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return `median ${at(0.5)} ms, 99th of a hundred ${at(0.99)} ms, longest ${at(1)} ms`;
  };
  const kinds = new Map<string, number>();
  for (const { kind } of reports.flatMap((report) => report.faults)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const violated = reports.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed);
  return [
    `${reports.length} mixtures, ${total(({ faults }) => faults.length)} faults: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
    `${total(({ answers }) => answers)} answers, ${total(({ issued }) => issued)} certificates`,
    `first certificate after the faults: ${spread(({ recoveredMs }) => recoveredMs)}`,
    `everything accepted has ended: ${spread(({ endedMs }) => endedMs)}`,
    violated.length === 0 ? 'the three sides agreed after each' : `VIOLATED with the seeds ${violated.join(', ')}`,
  ].join('\n');
}
