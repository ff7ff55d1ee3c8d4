import type { Log } from '@sluice/lifecycle';
import type { KeyDirectory } from '../http/key-directory.js';
import type { Streams } from './streams.js';

/**
 * Ends each stream whose key was taken away or replaced since it was opened: a stream is proved once, at its beginning.
 * Throws what the ledger throws; then every stream stays.
 */
export async function endUnregistered(options: {
  readonly streams: Pick<Streams, 'all' | 'end'>;
  readonly publicKeyOf: KeyDirectory;
  readonly log: Log;
}): Promise<void> {
  const { streams, publicKeyOf, log } = options;
  for (const { name, key } of streams.all()) {
    const registered = await publicKeyOf(name);
    if (registered?.equals(key)) continue;
    log.warn({ event: 'stream-key-gone', name }, 'the key that opened a stream is not registered any more; it ends');
    streams.end(name);
  }
}
