import type { RegistryStore } from '@sluice/ledger';
import type { Log } from '@sluice/lifecycle';

/**
 * Once a second, by every registry process: fences subscribers whose lease has run out, and stores what all the others
 * have acknowledged. Safe to repeat and to run in several at once: the ledger locks.
 */
export async function fenceAndConfirm({
  store,
  log,
}: {
  readonly store: Pick<RegistryStore, 'fenceExpired' | 'confirm'>;
  readonly log: Log;
}): Promise<void> {
  for (const name of await store.fenceExpired()) {
    log.warn(
      { event: 'subscriber-fenced', name },
      'its lease has run out: it can neither accept nor claim until it enrols anew',
    );
  }
  // A crash here: the next second, or another process, confirms.
  await store.confirm();
}
