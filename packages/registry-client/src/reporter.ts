import type { Breakers } from '@sluice/breaker';
import { reportText, type SubscriberReport } from '@sluice/registry-protocol';
import type { Readiness } from '@sluice/telemetry';
import type { ClockWatch } from './clock-watch.js';

/** What this process says of itself with its lease. */
export function createReporter(sources: {
  readonly ready: () => Promise<Readiness>;
  readonly breakers: Pick<Breakers, 'states'>;
  readonly clock: Pick<ClockWatch, 'skewMs'>;
}): () => Promise<SubscriberReport> {
  return async () => {
    const { ready, checks } = await sources.ready();
    const troubles = Object.entries(checks).filter(([, said]) => said !== 'ok');
    const skewMs = sources.clock.skewMs();
    return {
      ready,
      troubles: Object.fromEntries(troubles.map(([name, said]) => [name, reportText(said)])),
      breakers: sources.breakers.states(),
      clock_skew_ms: skewMs === undefined ? null : Math.round(skewMs),
    };
  };
}
