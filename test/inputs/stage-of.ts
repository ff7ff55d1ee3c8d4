import type { InputAnswer } from './input-system.js';
import type { Level } from './mutations/mutated.js';

/** Where an order ended, by what the front end itself said of it. */
export type Stage = Level | 'issued';

const rules: ReadonlySet<unknown> = new Set(['subject-invalid', 'profile-unknown', 'validity-invalid']);

/** The stage that refused it, or `issued`. `undefined`: an answer that no order of these tests may get. */
export function stageOf({ status, body }: InputAnswer): Stage | undefined {
  const { code, pointer, findings } = body as { code?: string; pointer?: string; findings?: { detail: string }[] };
  const detail = findings?.[0]?.detail ?? '';
  if (status === 201) return 'issued';
  if (code === 'body-too-large') return pointer === undefined ? 'json' : 'schema';
  if (code === 'body-invalid') {
    return /^is not (UTF-8|JSON)|^nests deeper|^holds more than|^stands there twice/.test(detail) ? 'json' : 'schema';
  }
  if (code === 'csr-invalid') return detail.includes('neither PEM, nor base64') ? 'pem' : 'der';
  if (code === 'key-weak') return detail.includes('; the profile takes ') ? 'rule' : 'der';
  return rules.has(code) ? 'rule' : undefined;
}
