import type { KeyObject } from 'node:crypto';

// Bodies have the API's own members, as its /docs tells them: so what a problem points at is found in what was ordered.

/** A value of a kind that is named by its OBJECT IDENTIFIER (dotted). */
export interface TypedValue {
  readonly type: string;
  readonly value: string;
}

/** The subject. Which fields are taken, and what they may hold, the profile says. */
export interface SubjectDn {
  /** Two capital letters (ISO 3166). */
  readonly country?: string | undefined;
  readonly state?: string | undefined;
  readonly locality?: string | undefined;
  readonly street_address?: string | undefined;
  readonly organization?: string | undefined;
  readonly organizational_unit?: readonly string[] | undefined;
  readonly common_name?: string | undefined;
  readonly email?: string | undefined;
  /** Of the subject, not of the certificate. */
  readonly serial_number?: string | undefined;
  readonly extra_attributes?: readonly TypedValue[] | undefined;
}

/** Subject alternative names. Which kinds are taken, and how many, the profile says. */
export interface San {
  readonly dns_names?: readonly string[] | undefined;
  readonly emails?: readonly string[] | undefined;
  readonly ip_addresses?: readonly string[] | undefined;
  readonly uris?: readonly string[] | undefined;
  readonly other_names?: readonly TypedValue[] | undefined;
}

/** Ends asked for, both inclusive, in UTC and whole seconds: `2026-11-21T08:00:00Z`. */
export interface Validity {
  readonly not_before?: string | undefined;
  readonly not_after?: string | undefined;
}

export interface OrderContent {
  /** Name of a profile that the account may use. */
  readonly profile: string;
  readonly subject_dn: SubjectDn;
  readonly san?: San | undefined;
  readonly validity?: Validity | undefined;
}

/**
 * What a certificate is asked for with. The key that it is to certify: a `csr` (PKCS#10, PEM or base64 of the DER; only
 * the key is taken from it), or the private `key` itself, which never leaves this process: the client signs over a nonce
 * with it to prove that you have it.
 */
export type Order = OrderContent &
  ({ readonly csr: string; readonly key?: undefined } | { readonly key: KeyObject; readonly csr?: undefined });

/** A certificate that is issued and stored. */
export interface Identity {
  readonly fate: 'issued';
  /** Of the request: a UUID. */
  readonly id: string;
  /** Serial number in lower-case hexadecimal. */
  readonly serial: string;
  /** The certificate, PEM. */
  readonly signing_cert: string;
  /** The CA that signed it, and so on up to and including the root; PEM. */
  readonly chain: readonly string[];
  /** ISO 8601, UTC. */
  readonly not_before: string;
  /** ISO 8601, UTC; inclusive. */
  readonly not_after: string;
}

/** A request that goes on without anybody waiting. */
export interface Continuing {
  readonly fate: 'continuing';
  readonly id: string;
  /** `parked` and `failed`: set aside until an operator decides. */
  readonly state: 'queued' | 'signing' | 'parked' | 'failed';
  /** It makes sense to look again after so many milliseconds. */
  readonly lookAgainMs: number;
}

/** A request that is open at this moment. Nothing is promised: who ordered it may still wait, and be told otherwise. */
export interface Open {
  readonly fate: undefined;
  readonly id: string;
  readonly state: 'queued' | 'signing';
  readonly lookAgainMs: number;
}
