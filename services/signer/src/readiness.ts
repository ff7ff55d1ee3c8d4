import type { Breaker } from '@sluice/breaker';
import { asSluiceError } from '@sluice/errors';
import type { KeyStore } from '@sluice/key-store';
import type { ClockWatch } from '@sluice/registry-client';
import type { Readiness } from '@sluice/telemetry';
import { inTime } from './in-time.js';
import type { TokenAttachment } from './token-attachment.js';

/** No key has this label: a token that answers says so. */
const probeLabel = 'sluice-probe';
/** A token that is well says so at once. */
const probeWaitMs = 1000;
/** A signer asks the ledger every second; longer than this without an answer is away. */
const ledgerSilentMsMax = 3000;

export interface ReadinessSources {
  readonly keyStore: Pick<KeyStore, 'find'>;
  /** Asked through it, so that it opens also while nothing is signed. */
  readonly tokenBreaker: Pick<Breaker, 'run'>;
  readonly clockWatch: Pick<ClockWatch, 'fault'>;
  readonly attachment: Pick<TokenAttachment, 'fault'>;
  /** Milliseconds since the ledger last answered. */
  readonly ledgerSilentMs: () => number;
  /** Throws while not enrolled. */
  readonly caller: () => { readonly incarnation: bigint };
  readonly snapshot: () => { readonly stale: boolean } | undefined;
  readonly queueHealth: () => Promise<string>;
  readonly templatesRefused: () => number;
}

/** Ready: may claim and sign. Redis away and a stale snapshot are told, and make it slower, not unready. */
export async function readiness(sources: ReadinessSources): Promise<Readiness> {
  const needed = {
    ledger: sources.ledgerSilentMs() <= ledgerSilentMsMax ? 'ok' : 'does not answer',
    lease: leaseStanding(sources.caller),
    snapshot: sources.snapshot() ? 'ok' : 'none yet',
    token:
      sources.attachment.fault()?.message ??
      (await tokenStanding(() => sources.tokenBreaker.run(() => askToken(sources.keyStore)))),
    clock: sources.clockWatch.fault() ?? 'ok',
  };
  const refused = sources.templatesRefused();
  const told = {
    redis: await sources.queueHealth(),
    registry: sources.snapshot()?.stale === false ? 'ok' : 'stale: working by the last snapshot',
    templates: refused === 0 ? 'ok' : `${refused} refused: another signer fills them with other bytes`,
  };
  return { ready: Object.values(needed).every((check) => check === 'ok'), checks: { ...needed, ...told } };
}

/** The cheapest question there is: no CA key is touched. `key-missing` is its answer. */
export function askToken(keyStore: Pick<KeyStore, 'find'>): Promise<unknown> {
  return inTime(probeWaitMs, keyStore.find(probeLabel));
}

/** `ok` when the token answers, whatever keys it has. */
export async function tokenStanding(ask: () => Promise<unknown>): Promise<string> {
  try {
    await ask();
    return 'ok';
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    return code === 'key-missing' ? 'ok' : message;
  }
}

function leaseStanding(caller: ReadinessSources['caller']): string {
  try {
    caller();
    return 'ok';
  } catch (thrown) {
    return asSluiceError(thrown).message;
  }
}
