/** Algorithms a CA key may have. Sizes and curves follow the name. */
export const keyAlgorithms = ['ec-p256', 'ec-p384', 'ed25519', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export interface KeyInfo {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithm;
}

/**
 * One token: an instance that holds CA keys. Labels are CA names. Every method may throw `token-failed`;
 * nothing is retried inside: the caller decides, by the disposition table.
 */
export interface KeyStore {
  /** The token's name, for leases, breakers and logs. */
  readonly token: string;
  /** Makes a key, durable on return. With the label taken by a key of the same algorithm: returns that one (a crash after making it is repaired so). Otherwise `key-exists`. */
  generate(label: string, algorithm: KeyAlgorithm): Promise<KeyInfo>;
  /** The public half. Throws `key-missing` when the token answers and the key is not there. */
  find(label: string): Promise<KeyInfo>;
  /**
   * For whoever was told `key-missing` and is about to act on it. True: the key was not found twice, on two new sessions,
   * nothing cached, each beside a control object that was found and opened. False: it is there. Any doubt is `token-failed`.
   */
  isMissing(label: string): Promise<boolean>;
  /**
   * Signs `tbs` in the form certificates take: P-256 with SHA-256 and P-384 with SHA-384 as DER SEQUENCE(r, s), RSA as
   * PKCS#1 v1.5 with SHA-256, Ed25519 (pure). From the moment this is called the
   * caller treats any error as "a signature may exist".
   */
  sign(label: string, tbs: Uint8Array): Promise<Uint8Array>;
  /** Closes sessions and forgets keys. */
  close(): Promise<void>;
}
