import { SluiceError } from '@sluice/errors';
import type { KeyStore } from '@sluice/key-store';
import { pacedBy } from './pacer.js';

/**
 * A key store with a set capacity: every signature waits for its turn at the pacer, which all signer processes share.
 * Throws `token-failed` when the pacer is gone.
 */
export function createPacedKeyStore(inner: KeyStore, options: { readonly pacer: string }): KeyStore {
  const pacer = pacedBy(options.pacer);
  return {
    token: inner.token,
    identity: () => inner.identity(),
    initialise: () => inner.initialise(),
    generate: (label, algorithm) => inner.generate(label, algorithm),
    find: (label) => inner.find(label),
    confirmMissing: (label, spki) => inner.confirmMissing(label, spki),
    async sign(label, tbs) {
      await pacer.turn().catch((cause: unknown) => {
        throw new SluiceError('token-failed', 'The pacer is gone', { cause });
      });
      return inner.sign(label, tbs);
    },
    async close() {
      pacer.close();
      await inner.close();
    },
  };
}
