import { SluiceError } from '@sluice/errors';
import type { RateWindow } from '@sluice/issuance';

/** Names of the limits, as clients see them. */
export type LimitName = 'orders' | 'day' | 'looks';

const codeOf = { orders: 'rate-limited', day: 'quota-exceeded', looks: 'rate-limited' } as const;
/** Who is told to come back after a day need not be spread over more than this. */
const jitterMaxS = 60;

/** An account asks for more than it may. */
export class LimitReached extends SluiceError {
  readonly limit: LimitName;
  readonly window: RateWindow;
  /** When its window ends, and up to half as long again, so that clients do not return together. */
  override readonly retryAfterS: number;

  constructor(limit: LimitName, window: RateWindow, endsInMs: number, random: () => number) {
    super(codeOf[limit]);
    this.limit = limit;
    this.window = window;
    const endsInS = Math.min(window.windowS, Math.max(1, Math.ceil(endsInMs / 1000)));
    this.retryAfterS = endsInS + Math.floor(random() * (Math.min(endsInS / 2, jitterMaxS) + 1));
  }
}

/** The fields of draft-ietf-httpapi-ratelimit-headers-10: which limit, and the same moment as Retry-After. */
export function rateLimitFields({ limit, window, retryAfterS }: LimitReached): Record<string, string> {
  return {
    'ratelimit-policy': `"${limit}";q=${window.points};w=${window.windowS}`,
    ratelimit: `"${limit}";r=0;t=${retryAfterS}`,
  };
}
