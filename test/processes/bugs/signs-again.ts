import type { KeyStore } from '@sluice/key-store';
import { planted } from './planted.js';

/** A key store that asks its token once more when it is not sure of the first answer: a retry at the wrong place. */
export function signsAgain(inside: KeyStore, bugFile: string | undefined): KeyStore {
  return {
    token: inside.token,
    identity: () => inside.identity(),
    initialise: () => inside.initialise(),
    generate: (label, algorithm) => inside.generate(label, algorithm),
    find: (label) => inside.find(label),
    confirmMissing: (label, spki) => inside.confirmMissing(label, spki),
    async sign(label, tbs) {
      if (planted(bugFile, 'signs-again')) await inside.sign(label, tbs);
      return inside.sign(label, tbs);
    },
    close: () => inside.close(),
  };
}
