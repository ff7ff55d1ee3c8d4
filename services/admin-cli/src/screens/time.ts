/** `2026-11-21 10:00:00Z`: as short as a time can be without losing its zone. */
export function timeText(iso: string | null): string {
  return iso === null ? '–' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}

/** `350 ms`, `12 s`, `5 min`, `3 h`, `9 d`: one figure, for a glance. */
export function durationText(durationMs: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const step = steps.find(([unitMs]) => durationMs >= 2 * unitMs) ?? [1, 'ms'];
  return `${Math.round(durationMs / step[0])} ${step[1]}`;
}
