import { SluiceError } from '@sluice/errors';
import type { Evidence } from '@sluice/ledger';
import { type BroughtKey, type ParsedCsr, parseCsr, parsePublicKey, verifyCsr, verifyProof } from '@sluice/pki';
import type { Directory } from '../directory.js';
import type { RequestFinding } from '../findings.js';
import type { Nonces } from '../nonces.js';
import type { Order } from './1-read-order.js';

/** The key that is to be certified, by its form; and how its sender shows that it is theirs. */
export type SubjectKey =
  | { readonly brought: ParsedCsr; readonly proof?: undefined }
  | { readonly brought: BroughtKey; readonly proof: { readonly nonce: string; readonly signature: string } };

/** What the proof is held against. */
export interface Possession {
  readonly account: string;
  readonly profile: string;
  readonly blockedKeys: Directory['blockedKeys'];
  readonly nonces: Pick<Nonces, 'check'>;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Where the key stands in the body. */
export function keyPointer(key: Order['key']): '/csr' | '/public_key' {
  return 'csr' in key ? '/csr' : '/public_key';
}

/** The cheap half: the form of CSR or public key. */
export function readSubjectKey(key: Order['key']): SubjectKey | RequestFinding {
  try {
    if ('csr' in key) return { brought: parseCsr(key.csr) };
    return { brought: parsePublicKey(key.publicKey), proof: key.proof };
  } catch (thrown) {
    return findingOf(thrown, 'csr' in key ? csrPointers : proofPointers);
  }
}

/** The dear half: does its sender have the key, and is it sound? */
export async function findPossessionFault(
  { brought, proof }: SubjectKey,
  { account, profile, blockedKeys, nonces, nowMs }: Possession,
): Promise<RequestFinding | undefined> {
  try {
    if (proof === undefined) await verifyCsr(brought, blockedKeys);
    else {
      nonces.check(proof.nonce, account, nowMs);
      await verifyProof({ account, profile, spki: brought.spki, nonce: proof.nonce }, proof.signature, blockedKeys);
    }
    return undefined;
  } catch (thrown) {
    return findingOf(thrown, proof === undefined ? csrPointers : proofPointers);
  }
}

/** What is kept of it. */
export function evidenceOf({ brought, proof }: SubjectKey): Evidence {
  return proof === undefined ? { csr: brought.der } : { proof };
}

/** Where what each code tells of stands in the body. */
const csrPointers = { 'csr-invalid': '/csr', 'key-weak': '/csr', 'key-blocked': '/csr' };
const proofPointers = {
  'nonce-invalid': '/proof/nonce',
  'proof-invalid': '/proof/signature',
  'key-weak': '/public_key',
  'key-blocked': '/public_key',
};

/** The finding for one of these codes; anything else is thrown on. */
function findingOf(thrown: unknown, pointers: Readonly<Record<string, string>>): RequestFinding {
  const pointer = thrown instanceof SluiceError ? pointers[thrown.code] : undefined;
  if (!(thrown instanceof SluiceError) || pointer === undefined) throw thrown;
  return { pointer, code: thrown.code, detail: thrown.message };
}
