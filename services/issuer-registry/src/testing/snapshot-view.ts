import type { RegistryState } from '@sluice/ledger';
import type { Snapshot } from '@sluice/registry-protocol';

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The registry's state as subscribers get it. */
export function snapshotView(state: RegistryState): Snapshot {
  return {
    epoch: String(state.epoch),
    cas: state.cas.map((ca) => ({
      name: ca.name,
      keyGroup: ca.keyGroup,
      state: ca.state,
      quarantined: ca.quarantined,
      quarantinedTokens: [...ca.quarantinedTokens],
      keyAlgorithm: ca.keyAlgorithm,
      subjectDer: base64(ca.subjectDer),
      spki: ca.spki === null ? null : base64(ca.spki),
      certificate: ca.certificate === null ? null : base64(ca.certificate),
      issuer: ca.issuer,
      certificateProfile: ca.certificateProfile,
    })),
    profiles: state.profiles.map(({ name, ca, state: standing, revision, document }) => ({
      name,
      ca,
      state: standing,
      revision,
      document: { ...document },
    })),
    accounts: state.accounts.map(({ name, state: standing, profiles, apiKeyHashes, limits }) => ({
      name,
      state: standing,
      profiles: [...profiles],
      apiKeyHashes: apiKeyHashes.map((hash) => Buffer.from(hash).toString('hex')),
      ...(Object.keys(limits).length > 0 && { limits }),
    })),
    blockedKeys: base64(state.blockedKeys),
  };
}
