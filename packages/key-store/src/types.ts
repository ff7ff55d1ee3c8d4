/** Algorithms a CA key may have. Sizes and curves follow the name. */
export const keyAlgorithms = ['ec-p256', 'ec-p384', 'ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export interface KeyInfo {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithm;
}

/** `missing`: no key lies under the label. `replaced`: another one does. */
export type KeyPresence = 'there' | 'missing' | 'replaced';

/**
 * One token: an instance that holds CA keys. Labels are CA names. Every method may throw `token-failed`;
 * nothing is retried inside: the caller decides, by the disposition table.
 */
export interface KeyStore {
  /** The token's name, for leases, breakers and logs. */
  readonly token: string;
  /**
   * SubjectPublicKeyInfo (DER) of the control object, read anew: which token this is, whatever it is called. `undefined`
   * when nothing at all lies there: a new token, or a volume that is not mounted. Whoever knows which one `initialise`s.
   */
  identity(): Promise<Uint8Array | undefined>;
  /** Makes an empty place a token, durable on return, and says its `identity`. A token stays as it is; of several at once one wins. */
  initialise(): Promise<Uint8Array>;
  /** Makes a key, durable on return. With the label taken by a key of the same algorithm: returns that one (a crash after making it is repaired so). Otherwise `key-exists`. */
  generate(label: string, algorithm: KeyAlgorithm): Promise<KeyInfo>;
  /** The public half. Throws `key-missing` when the token answers and the key is not there. */
  find(label: string): Promise<KeyInfo>;
  /**
   * For whoever did not find the key with this SubjectPublicKeyInfo under the label and is about to act on it: looks
   * twice, on two new sessions, nothing cached, each beside a control object that was found and opened. Any doubt is
   * `token-failed`.
   */
  confirmMissing(label: string, spki: Uint8Array): Promise<KeyPresence>;
  /**
   * Signs `tbs` in the form certificates take: P-256 with SHA-256 and P-384 with SHA-384 as DER SEQUENCE(r, s), RSA as
   * PKCS#1 v1.5 with SHA-256, Ed25519 (pure). From the moment this is called the
   * caller treats any error as "a signature may exist".
   */
  sign(label: string, tbs: Uint8Array): Promise<Uint8Array>;
  /** Closes sessions and forgets keys. */
  close(): Promise<void>;
}
