import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { type KeyAlgorithm, keyAlgorithms } from './types.js';

const generate = promisify(generateKeyPair);
const signOffThread = promisify<string | null, Uint8Array, KeyObject, Buffer>(sign);

interface AlgorithmFacts {
  readonly make: () => Promise<{ privateKey: KeyObject }>;
  readonly isOf: (key: KeyObject) => boolean;
  /** What it hashes with when it signs; null when it hashes by itself. */
  readonly digest: 'sha256' | 'sha384' | null;
  /** One signature takes less time than the way to another thread. */
  readonly isQuick: boolean;
}

function rsa(modulusLength: number): AlgorithmFacts {
  return {
    make: () => generate('rsa', { modulusLength, publicExponent: 65537 }),
    isOf: (key) => key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === modulusLength,
    digest: 'sha256',
    isQuick: false,
  };
}

function ec(namedCurve: string, opensslName: string): Pick<AlgorithmFacts, 'make' | 'isOf'> {
  return {
    make: () => generate('ec', { namedCurve }),
    isOf: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === opensslName,
  };
}

/** Everything about an algorithm is a row here. */
const facts: Readonly<Record<KeyAlgorithm, AlgorithmFacts>> = {
  'ec-p256': { ...ec('P-256', 'prime256v1'), digest: 'sha256', isQuick: true },
  'ec-p384': { ...ec('P-384', 'secp384r1'), digest: 'sha384', isQuick: false },
  ed25519: {
    make: () => generate('ed25519'),
    isOf: (key) => key.asymmetricKeyType === 'ed25519',
    digest: null,
    isQuick: true,
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

/** The signature of `tbs` in the form that certificates take. Slow ones are made off the main thread. */
export async function signWith(key: KeyObject, algorithm: KeyAlgorithm, tbs: Uint8Array): Promise<Uint8Array> {
  const { digest, isQuick } = facts[algorithm];
  return isQuick ? sign(digest, tbs, key) : signOffThread(digest, tbs, key);
}
