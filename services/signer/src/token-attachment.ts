import { asSluiceError, SluiceError } from '@sluice/errors';
import type { KeyStore } from '@sluice/key-store';
import type { Caller, SignerLedger } from '@sluice/ledger';
import { createOutageLog } from '@sluice/lifecycle';
import type { Logger } from '@sluice/telemetry';
import type { Clock } from './clock.js';
import { inTime } from './in-time.js';

/** Opening a token, or making an empty directory one, takes longer than asking one that is open. */
export const openWaitMs = 10_000;

/** What the ledger knows of the token of this process. Without it nothing is claimed, and no key is called missing. */
export interface TokenAttachment {
  /** For a new incarnation. Never throws: what is refused, or not answered, stands in `fault` and is left to `retry`. */
  attach(caller: Caller): Promise<void>;
  /** Tries again for the present incarnation, if it has no token. Never throws. */
  retry(): Promise<void>;
  /** Why the present incarnation has no token, or `undefined`. */
  fault(): SluiceError | undefined;
}

interface Parts {
  readonly keyStore: Pick<KeyStore, 'token' | 'identity' | 'initialise'>;
  readonly keyGroup: string;
  readonly ledger: Pick<SignerLedger, 'knowsToken' | 'attachToken'>;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

export function createTokenAttachment({ keyStore, keyGroup, ledger, log, clock }: Parts): TokenAttachment {
  const { token } = keyStore;
  const whatToDo = 'mount its volume, or give a new token a name of its own (SLUICE_TOKEN)';
  const outage = createOutageLog({
    log,
    name: 'attach-token',
    messages: {
      failed: 'this signer has no token and claims nothing; trying again',
      again: 'this signer has its token',
    },
    monotonicMs: clock.monotonicMs,
  });
  let present: Caller | undefined;
  let fault: SluiceError | undefined = new SluiceError('token-failed', `token ${token} is not attached yet`);

  /** The ledger is asked before anything is made: an empty directory may be the place of a volume that is not mounted. */
  async function firstIdentity(): Promise<Uint8Array> {
    if (await ledger.knowsToken(token)) {
      throw new SluiceError('conflict', `nothing lies where the keys of token ${token} should be: ${whatToDo}`);
    }
    // A crash after it leaves a token that the ledger does not know: the next start attaches it.
    return inTime(openWaitMs, keyStore.initialise());
  }

  async function tell(caller: Caller): Promise<void> {
    const identity = (await inTime(openWaitMs, keyStore.identity())) ?? (await firstIdentity());
    try {
      await ledger.attachToken(caller, { token, keyGroup, identity });
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown);
      throw code === 'conflict' ? new SluiceError(code, `${message}: ${whatToDo}`, { cause: thrown }) : thrown;
    }
  }

  async function attachOnce(caller: Caller): Promise<void> {
    const error = await tell(caller).then(() => undefined, asSluiceError);
    // Enrolled anew meanwhile: this answer is about an incarnation that is no more.
    if (caller !== present) return;
    fault = error;
    if (error) outage.failed(error);
    else outage.over();
  }

  return {
    async attach(caller) {
      present = caller;
      fault ??= new SluiceError('token-failed', `token ${token} is not attached yet`);
      await attachOnce(caller);
    },
    async retry() {
      if (present !== undefined && fault !== undefined) await attachOnce(present);
    },
    fault: () => fault,
  };
}
