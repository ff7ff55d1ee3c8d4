import { type Code, SluiceError } from '@sluice/errors';
import { type Disposition, dispositionOf } from '@sluice/issuance';

/**
 * What heals the way to the token after a PKCS#11 call failed:
 * - `none-needed`: it is no failure (logging in twice).
 * - `new-session`: the session is used up; take another one, where the key must be found anew.
 * - `rebuild-module`: the device or its driver: C_Finalize, C_Initialize, log in once; with a back-off, behind the breaker.
 * - `restart-process`: nothing inside this process can be relied on.
 * - `person`: will fail the same way every time, or lock the token if it is tried often enough. Stop and call somebody.
 */
export const remedies = ['none-needed', 'new-session', 'rebuild-module', 'restart-process', 'person'] as const;
export type Remedy = (typeof remedies)[number];

interface FaultFacts {
  /** PKCS#11 v3.1, section 5.1. */
  readonly value: number;
  readonly remedy: Remedy;
  /** `token-failed`: the token's fault, counted by its breaker. `internal`: this key's or this call's, other keys go on. */
  readonly code: Extract<Code, 'token-failed' | 'internal'>;
}

const session = (value: number): FaultFacts => ({ value, remedy: 'new-session', code: 'token-failed' });
const device = (value: number): FaultFacts => ({ value, remedy: 'rebuild-module', code: 'token-failed' });
const login = (value: number): FaultFacts => ({ value, remedy: 'person', code: 'token-failed' });
const call = (value: number): FaultFacts => ({ value, remedy: 'person', code: 'internal' });

/**
 * The return values of a token and what each means. Data, because tokens differ: one vendor's DEVICE_REMOVED is another's
 * SESSION_HANDLE_INVALID. Whatever is not here (all vendor-defined values, for one) is the device's fault. That a key is
 * gone is no return value: `confirmMissing` finds it out.
 */
export const pkcs11Faults = {
  CKR_USER_ALREADY_LOGGED_IN: { value: 0x100, remedy: 'none-needed', code: 'token-failed' },

  CKR_SESSION_CLOSED: session(0xb0),
  CKR_SESSION_HANDLE_INVALID: session(0xb3),
  CKR_USER_NOT_LOGGED_IN: session(0x101),
  CKR_OPERATION_ACTIVE: session(0x90),
  CKR_OPERATION_NOT_INITIALIZED: session(0x91),
  CKR_KEY_HANDLE_INVALID: session(0x60),
  CKR_OBJECT_HANDLE_INVALID: session(0x82),

  CKR_HOST_MEMORY: device(0x2),
  CKR_SLOT_ID_INVALID: device(0x3),
  CKR_FUNCTION_FAILED: device(0x6),
  CKR_DEVICE_ERROR: device(0x30),
  CKR_DEVICE_MEMORY: device(0x31),
  CKR_DEVICE_REMOVED: device(0x32),
  CKR_SESSION_COUNT: device(0xb1),
  CKR_TOKEN_NOT_PRESENT: device(0xe0),
  CKR_CRYPTOKI_NOT_INITIALIZED: device(0x190),
  CKR_GENERAL_ERROR: { value: 0x5, remedy: 'restart-process', code: 'token-failed' },

  CKR_PIN_INCORRECT: login(0xa0),
  CKR_PIN_INVALID: login(0xa1),
  CKR_PIN_LEN_RANGE: login(0xa2),
  CKR_PIN_EXPIRED: login(0xa3),
  CKR_PIN_LOCKED: login(0xa4),

  CKR_ARGUMENTS_BAD: call(0x7),
  CKR_ATTRIBUTE_READ_ONLY: call(0x10),
  CKR_ATTRIBUTE_SENSITIVE: call(0x11),
  CKR_ATTRIBUTE_TYPE_INVALID: call(0x12),
  CKR_ATTRIBUTE_VALUE_INVALID: call(0x13),
  CKR_DATA_LEN_RANGE: call(0x21),
  CKR_KEY_TYPE_INCONSISTENT: call(0x63),
  CKR_KEY_FUNCTION_NOT_PERMITTED: call(0x68),
  CKR_MECHANISM_INVALID: call(0x70),
  CKR_MECHANISM_PARAM_INVALID: call(0x71),
  CKR_TEMPLATE_INCOMPLETE: call(0xd0),
  CKR_TEMPLATE_INCONSISTENT: call(0xd1),
} as const satisfies Record<`CKR_${string}`, FaultFacts>;

/** What follows from one failed call. */
export interface Pkcs11Verdict {
  /** "CKR_DEVICE_ERROR", or the number when the table has no name for it. */
  readonly name: string;
  readonly remedy: Remedy;
  readonly code: Code;
  readonly disposition: Disposition;
  /** The same call may be made again at once, on a new session. At most once, and never after the key was asked. */
  readonly repeat: boolean;
  /** `new`: a signature may exist, so its serial is burned, whatever the token says. */
  readonly serial: 'same' | 'new';
}

const byValue = new Map<number, [string, FaultFacts]>(
  Object.entries<FaultFacts>(pkcs11Faults).map(([name, facts]) => [facts.value, [name, facts]]),
);

/**
 * The one function that reads the table. `keyAsked`: from C_Sign on, where a second try with ECDSA would be a second
 * certificate under one serial. `repeated`: this call was repeated before; what a new session did not heal, the device has.
 */
export function pkcs11Verdict(
  value: number,
  { keyAsked, repeated }: { readonly keyAsked: boolean; readonly repeated: boolean },
): Pkcs11Verdict {
  const hex = `0x${(value >>> 0).toString(16)}`;
  const [name, facts] = byValue.get(value >>> 0) ?? [hex, device(value)];
  const healed = facts.remedy === 'new-session' && !repeated;
  const remedy = facts.remedy === 'new-session' && repeated ? 'rebuild-module' : facts.remedy;
  const disposition = dispositionOf(facts.code);
  return {
    name,
    remedy,
    code: facts.code,
    disposition,
    repeat: healed && !keyAsked,
    serial: keyAsked ? 'new' : 'same',
  };
}

/** The error of a call that is not repeated. Name and number stay readable through every wrapping. */
export function pkcs11Error(call: string, value: number, { code, name, remedy }: Pkcs11Verdict): SluiceError {
  return new SluiceError(code, `${call} failed with ${name}`, { facts: { call, ckr: name, value, remedy } });
}
