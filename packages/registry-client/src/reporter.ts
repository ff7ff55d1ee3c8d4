import type { Breakers } from '@sluice/breaker';
import { type RefusalCount, reportText, type SubscriberReport } from '@sluice/registry-protocol';
import type { Readiness } from '@sluice/telemetry';
import type { ClockWatch } from './clock-watch.js';

/** What this process says of itself with its lease. */
export function createReporter(sources: {
  readonly ready: () => Promise<Readiness>;
  readonly breakers: Pick<Breakers, 'states'>;
  readonly clock: Pick<ClockWatch, 'skewMs'>;
  /** Orders refused within the last minute; of a front end only. */
  readonly refusals?: () => {
    readonly byCode: Readonly<Record<string, number>>;
    readonly top: readonly RefusalCount[];
  };
}): () => Promise<SubscriberReport> {
  return async () => {
    const { ready, checks } = await sources.ready();
    const troubles = Object.entries(checks).filter(([, said]) => said !== 'ok');
    const skewMs = sources.clock.skewMs();
    const refusals = sources.refusals?.();
    return {
      ready,
      troubles: Object.fromEntries(troubles.map(([name, said]) => [name, reportText(said)])),
      breakers: sources.breakers.states(),
      clock_skew_ms: skewMs === undefined ? null : Math.round(skewMs),
      refused: { ...refusals?.byCode },
      refusals: [...(refusals?.top ?? [])],
    };
  };
}
