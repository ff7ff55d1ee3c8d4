import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type KeyAlgorithm, keyAlgorithms } from './types.js';

const generate = promisify(generateKeyPair);

interface AlgorithmFacts {
  readonly make: () => Promise<{ privateKey: KeyObject }>;
  readonly isOf: (key: KeyObject) => boolean;
}

function rsa(modulusLength: number): AlgorithmFacts {
  return {
    make: () => generate('rsa', { modulusLength, publicExponent: 65537 }),
    isOf: (key) => key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === modulusLength,
  };
}

/** Everything about an algorithm is a row here. */
const facts: Readonly<Record<KeyAlgorithm, AlgorithmFacts>> = {
  'ec-p256': {
    make: () => generate('ec', { namedCurve: 'P-256' }),
    isOf: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1',
  },
  'rsa-2048': rsa(2048),
  'rsa-3072': rsa(3072),
  'rsa-4096': rsa(4096),
};

/** A new private key; the work is done off the main thread. */
export async function generatePrivateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  return (await facts[algorithm].make()).privateKey;
}

/** Which of ours this key is of; `undefined` for a stranger. */
export function algorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  return keyAlgorithms.find((algorithm) => facts[algorithm].isOf(key));
}
