import { asSluiceError } from '@sluice/errors';
import type { Refusal, SignerContext } from './signer-context.js';
import type { SigningCa } from './signing-rules.js';

/**
 * Is the CA's key on this token, and is it the one the registry knows? Asked before a batch is signed, so that a missing
 * or swapped key costs no serial. Only this CA on this token steps back.
 */
export async function findKeyFault(context: SignerContext, ca: SigningCa): Promise<Refusal | undefined> {
  const fault = await lookUp(context, ca);
  if (!fault) return undefined;
  context.backOff.failed(ca.name, fault.code);
  const facts = { event: 'key-fault', ca: ca.name, token: context.keyStore.token, ...fault };
  context.log.error(facts, 'the CA key cannot be used on this token; this CA is left alone here for a while');
  return fault;
}

async function lookUp({ keyStore }: SignerContext, ca: SigningCa): Promise<Refusal | undefined> {
  try {
    const { spki } = await keyStore.find(ca.name);
    if (ca.spki && Buffer.compare(spki, ca.spki) === 0) return undefined;
    return { code: 'token-failed', detail: 'the key under that label is another one than the registry knows' };
  } catch (thrown) {
    const { code, message } = asSluiceError(thrown);
    return { code, detail: message };
  }
}
