import type { Code } from '@sluice/errors';

export const caStates = ['pending', 'active', 'disabled', 'retiring', 'destroying', 'destroyed'] as const;
export type CaState = (typeof caStates)[number];

/** What a request is for. Given by the server, never by the client. */
export const purposes = [
  'subscriber',
  'ocsp-signer',
  'crl',
  'ca-certificate',
  'generate',
  'destroy',
  'prove-absence',
] as const;
export type Purpose = (typeof purposes)[number];

/** Key work: purposes that open or make a CA key without issuing to anybody outside. */
export const keyWork: ReadonlySet<Purpose> = new Set(['generate', 'destroy', 'prove-absence']);

type Permission = 'yes' | 'no' | 'own';

/** DESIGN section 3: what each state permits. `own` is the CA's own certificate while it is being made. */
export const permits: Readonly<Record<CaState, Readonly<Record<Purpose, Permission>>>> = {
  pending: {
    subscriber: 'no',
    'ocsp-signer': 'no',
    crl: 'no',
    'ca-certificate': 'own',
    generate: 'yes',
    destroy: 'no',
    'prove-absence': 'no',
  },
  active: {
    subscriber: 'yes',
    'ocsp-signer': 'yes',
    crl: 'yes',
    'ca-certificate': 'yes',
    generate: 'no',
    destroy: 'no',
    'prove-absence': 'no',
  },
  disabled: {
    subscriber: 'no',
    'ocsp-signer': 'yes',
    crl: 'yes',
    'ca-certificate': 'no',
    generate: 'no',
    destroy: 'no',
    'prove-absence': 'no',
  },
  retiring: {
    subscriber: 'no',
    'ocsp-signer': 'yes',
    crl: 'yes',
    'ca-certificate': 'no',
    generate: 'no',
    destroy: 'no',
    'prove-absence': 'no',
  },
  destroying: {
    subscriber: 'no',
    'ocsp-signer': 'no',
    crl: 'no',
    'ca-certificate': 'no',
    generate: 'no',
    destroy: 'yes',
    'prove-absence': 'yes',
  },
  destroyed: {
    subscriber: 'no',
    'ocsp-signer': 'no',
    crl: 'no',
    'ca-certificate': 'no',
    generate: 'no',
    destroy: 'no',
    'prove-absence': 'no',
  },
};

/** The ways out of each state; `twoPersons` where one operator is not enough. */
export const caTransitions: Readonly<Record<CaState, readonly { to: CaState; twoPersons: boolean }[]>> = {
  pending: [{ to: 'active', twoPersons: false }],
  active: [{ to: 'disabled', twoPersons: false }],
  disabled: [
    { to: 'active', twoPersons: true },
    { to: 'retiring', twoPersons: false },
  ],
  retiring: [
    { to: 'disabled', twoPersons: true },
    { to: 'destroying', twoPersons: true },
  ],
  destroying: [{ to: 'destroyed', twoPersons: true }],
  destroyed: [],
};

const refusals: Readonly<Record<CaState, Code>> = {
  pending: 'ca-pending',
  active: 'not-permitted',
  disabled: 'ca-disabled',
  retiring: 'ca-retiring',
  destroying: 'ca-destroying',
  destroyed: 'ca-destroyed',
};

/**
 * Does a CA in this state permit this purpose? `undefined` when it does, else the code that says why not.
 * `own`: the request makes this CA's own certificate (a root signing itself).
 */
export function refusal(state: CaState, purpose: Purpose, own = false): Code | undefined {
  const permission = permits[state][purpose];
  return permission === 'yes' || (permission === 'own' && own) ? undefined : refusals[state];
}
