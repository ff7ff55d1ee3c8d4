import type { Code } from '@sluice/errors';
import type { Disposition } from '@sluice/issuance';
import { expect, it } from 'vitest';
import { pkcs11Error, pkcs11Faults, pkcs11Verdict, type Remedy, remedies } from './pkcs11-faults.js';

type Row = [name: keyof typeof pkcs11Faults, value: number, remedy: Remedy, code: Code, disposition: Disposition];

/** Values as PKCS#11 v3.1 has them, written down a second time. */
const expected: Row[] = [
  ['CKR_USER_ALREADY_LOGGED_IN', 256, 'none-needed', 'token-failed', 'token'],
  ['CKR_SESSION_CLOSED', 176, 'new-session', 'token-failed', 'token'],
  ['CKR_SESSION_HANDLE_INVALID', 179, 'new-session', 'token-failed', 'token'],
  ['CKR_USER_NOT_LOGGED_IN', 257, 'new-session', 'token-failed', 'token'],
  ['CKR_OPERATION_ACTIVE', 144, 'new-session', 'token-failed', 'token'],
  ['CKR_OPERATION_NOT_INITIALIZED', 145, 'new-session', 'token-failed', 'token'],
  ['CKR_KEY_HANDLE_INVALID', 96, 'new-session', 'token-failed', 'token'],
  ['CKR_OBJECT_HANDLE_INVALID', 130, 'new-session', 'token-failed', 'token'],
  ['CKR_HOST_MEMORY', 2, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_SLOT_ID_INVALID', 3, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_FUNCTION_FAILED', 6, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_DEVICE_ERROR', 48, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_DEVICE_MEMORY', 49, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_DEVICE_REMOVED', 50, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_SESSION_COUNT', 177, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_TOKEN_NOT_PRESENT', 224, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_CRYPTOKI_NOT_INITIALIZED', 400, 'rebuild-module', 'token-failed', 'token'],
  ['CKR_GENERAL_ERROR', 5, 'restart-process', 'token-failed', 'token'],
  ['CKR_PIN_INCORRECT', 160, 'person', 'token-failed', 'token'],
  ['CKR_PIN_INVALID', 161, 'person', 'token-failed', 'token'],
  ['CKR_PIN_LEN_RANGE', 162, 'person', 'token-failed', 'token'],
  ['CKR_PIN_EXPIRED', 163, 'person', 'token-failed', 'token'],
  ['CKR_PIN_LOCKED', 164, 'person', 'token-failed', 'token'],
  ['CKR_ARGUMENTS_BAD', 7, 'person', 'internal', 'unknown'],
  ['CKR_ATTRIBUTE_READ_ONLY', 16, 'person', 'internal', 'unknown'],
  ['CKR_ATTRIBUTE_SENSITIVE', 17, 'person', 'internal', 'unknown'],
  ['CKR_ATTRIBUTE_TYPE_INVALID', 18, 'person', 'internal', 'unknown'],
  ['CKR_ATTRIBUTE_VALUE_INVALID', 19, 'person', 'internal', 'unknown'],
  ['CKR_DATA_LEN_RANGE', 33, 'person', 'internal', 'unknown'],
  ['CKR_KEY_TYPE_INCONSISTENT', 99, 'person', 'internal', 'unknown'],
  ['CKR_KEY_FUNCTION_NOT_PERMITTED', 104, 'person', 'internal', 'unknown'],
  ['CKR_MECHANISM_INVALID', 112, 'person', 'internal', 'unknown'],
  ['CKR_MECHANISM_PARAM_INVALID', 113, 'person', 'internal', 'unknown'],
  ['CKR_TEMPLATE_INCOMPLETE', 208, 'person', 'internal', 'unknown'],
  ['CKR_TEMPLATE_INCONSISTENT', 209, 'person', 'internal', 'unknown'],
];

const first = { keyAsked: false, repeated: false };

it('has every value, and each once', () => {
  expect(Object.keys(pkcs11Faults).sort()).toEqual(expected.map(([name]) => name).sort());
  expect(new Set(Object.values(pkcs11Faults).map(({ value }) => value)).size).toBe(expected.length);
});

it.each(expected)('%s (%i): %s, %s, %s', (name, value, remedy, code, disposition) => {
  expect(pkcs11Verdict(value, first)).toEqual({
    ...{ name, remedy, code, disposition },
    repeat: remedy === 'new-session',
    serial: 'same',
  });
});

it.each(expected)('%s: once the key was asked, it is not asked again, and its serial is burned', (_name, value) => {
  for (const repeated of [false, true]) {
    expect(pkcs11Verdict(value, { keyAsked: true, repeated })).toMatchObject({ repeat: false, serial: 'new' });
  }
});

it('a session that is lost again is the device’s fault; nothing is repeated twice', () => {
  for (const [, value, remedy] of expected) {
    const again = pkcs11Verdict(value, { keyAsked: false, repeated: true });
    expect(again.repeat).toBe(false);
    expect(again.remedy).toBe(remedy === 'new-session' ? 'rebuild-module' : remedy);
  }
});

it('nothing about a PIN is tried again by itself: that would lock the token', () => {
  const pins = expected.filter(([name]) => name.startsWith('CKR_PIN_'));
  expect(pins).toHaveLength(5);
  for (const [, value] of pins) expect(pkcs11Verdict(value, first)).toMatchObject({ remedy: 'person', repeat: false });
});

it.each([0x80000000, -0x80000000, 0x8000002a, 0x54, 0xffff])('%i is of no name here: the device', (value) => {
  const verdict = pkcs11Verdict(value, first);
  expect(verdict).toMatchObject({ remedy: 'rebuild-module', disposition: 'token', repeat: false });
  expect(verdict.name).toMatch(/^0x[0-9a-f]+$/);
});

it('an error keeps name and number', () => {
  const error = pkcs11Error('C_Sign', 0x30, pkcs11Verdict(0x30, { keyAsked: true, repeated: false }));
  expect([error.code, error.message]).toEqual(['token-failed', 'C_Sign failed with CKR_DEVICE_ERROR']);
  expect(error.facts).toMatchObject({ ckr: 'CKR_DEVICE_ERROR', value: 48, call: 'C_Sign' });
});

it('every remedy is somebody’s', () => {
  expect(new Set(expected.map(([, , remedy]) => remedy))).toEqual(new Set(remedies));
});
