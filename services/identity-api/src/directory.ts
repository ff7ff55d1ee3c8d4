import { type CaState, type LimitsInForce, limitsInForce } from '@sluice/issuance';
import { type CertificateFacts, type ProfileDocument, toPem } from '@sluice/pki';
import {
  accountsPerSlice,
  type BlockedKeyIndex,
  type BlockedKeys,
  createBlockedKeyIndex,
  type Snapshot,
  type Steps,
  slice,
} from '@sluice/registry-protocol';

export interface DirectoryAccount {
  readonly name: string;
  readonly enabled: boolean;
  readonly profiles: ReadonlySet<string>;
  readonly limits: LimitsInForce;
}

export interface DirectoryProfile {
  readonly name: string;
  readonly ca: string;
  readonly enabled: boolean;
  readonly revision: number;
  readonly document: ProfileDocument;
  /** How long work may go on after nobody waits. */
  readonly timeToLiveMs: number;
}

export interface DirectoryCa {
  readonly name: string;
  readonly keyGroup: string;
  readonly state: CaState;
  /** Its work is held until a person decides. */
  readonly quarantined: boolean;
  /** Of its own certificate; absent until it has one. */
  readonly validity: Pick<CertificateFacts, 'notBefore' | 'notAfter'> | undefined;
}

/** One snapshot of the registry, arranged once for being asked thousands of times a second. */
export interface Directory {
  readonly epoch: string;
  /** By the hex SHA-256 of a whole API key. */
  accountByKeyHash(keyHash: string): DirectoryAccount | undefined;
  /** How many there are. */
  readonly apiKeys: number;
  profile(name: string): DirectoryProfile | undefined;
  ca(name: string): DirectoryCa | undefined;
  /** `publicKeyHash` of each key that nobody may be certified for. */
  readonly blockedKeys: BlockedKeys;
  /**
   * PEM certificates from this CA's own up to and including its root. `undefined` when one of them is not (yet) in the
   * snapshot: half a chain would be accepted by some clients and not by others.
   */
  chain(ca: string): readonly string[] | undefined;
}

/**
 * `readProfile` checks the document of a profile, `readCertificate` a CA's certificate (DER); when one throws, the
 * snapshot is refused and the older one stays. `blockedKeys` is kept from one snapshot to the next.
 */
export function* createDirectory(
  snapshot: Snapshot,
  readProfile: (document: Record<string, unknown>) => ProfileDocument,
  readCertificate: (der: Uint8Array) => Pick<CertificateFacts, 'notBefore' | 'notAfter'>,
  blockedKeys: BlockedKeyIndex = createBlockedKeyIndex(),
): Steps<Directory> {
  const accounts = new Map<string, DirectoryAccount>();
  yield* slice(snapshot.accounts, accountsPerSlice, ({ name, state, profiles, apiKeyHashes, limits = {} }) => {
    const account = {
      name,
      enabled: state === 'enabled',
      profiles: new Set(profiles),
      limits: limitsInForce(limits),
    };
    for (const keyHash of apiKeyHashes) accounts.set(keyHash, account);
  });
  const profiles = new Map<string, DirectoryProfile>();
  for (const { name, ca, state, revision, document: written } of snapshot.profiles) {
    const document = readProfile(written);
    const timeToLiveMs = document.time_to_live_seconds * 1000;
    profiles.set(name, { name, ca, enabled: state === 'enabled', revision, document, timeToLiveMs });
  }
  const cas = new Map<string, DirectoryCa>();
  for (const { name, keyGroup, state, quarantined, certificate } of snapshot.cas) {
    const validity = certificate === null ? undefined : readCertificate(Buffer.from(certificate, 'base64'));
    cas.set(name, { name, keyGroup, state, quarantined, validity });
  }
  const chains = createChains(snapshot);

  return {
    epoch: snapshot.epoch,
    accountByKeyHash: (keyHash) => accounts.get(keyHash),
    apiKeys: accounts.size,
    profile: (name) => profiles.get(name),
    ca: (name) => cas.get(name),
    blockedKeys: yield* blockedKeys.of(snapshot),
    chain: (ca) => chains.get(ca),
  };
}

function createChains(snapshot: Snapshot): ReadonlyMap<string, readonly string[]> {
  const cas = new Map(snapshot.cas.map((ca) => [ca.name, ca]));
  const pems = new Map<string, string>();
  for (const { name, certificate } of snapshot.cas) {
    if (certificate !== null) pems.set(name, toPem(Buffer.from(certificate, 'base64'), 'CERTIFICATE'));
  }
  const chains = new Map<string, readonly string[]>();
  for (const { name } of snapshot.cas) {
    const chain: string[] = [];
    // A chain cannot be longer than there are CAs: a circle of issuers ends here.
    let at = cas.get(name);
    for (let depth = 0; at !== undefined && depth < cas.size; depth++) {
      const pem = pems.get(at.name);
      if (pem === undefined) break;
      chain.push(pem);
      if (at.issuer === at.name) {
        chains.set(name, chain);
        break;
      }
      at = cas.get(at.issuer);
    }
  }
  return chains;
}
