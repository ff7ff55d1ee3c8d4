import type { Purpose } from '@sluice/issuance';
import type { FieldFormat } from './field-formats.js';
import type { KeyKind, ProfileKeyKind, SignatureAlgorithm } from './key-table.js';

export type { KeyKind, ProfileKeyKind, SignatureAlgorithm };

/** Something that no field is for: its OBJECT IDENTIFIER, dotted, and its text. */
export interface TypedValue {
  type: string;
  value: string;
}

/** Subject fields by the names clients use (GlobalSign's), each with one value but `organizational_unit`. */
export interface SubjectDn {
  country?: string;
  state?: string;
  locality?: string;
  street_address?: string;
  organization?: string;
  organizational_unit?: string[];
  common_name?: string;
  email?: string;
  serial_number?: string;
  /** Attributes that have no field, by OBJECT IDENTIFIER. */
  extra_attributes?: TypedValue[];
}
/** The fields that a profile names one by one. */
export type SubjectField = Exclude<keyof SubjectDn, 'extra_attributes'>;
export interface San {
  dns_names?: string[];
  emails?: string[];
  ip_addresses?: string[];
  uris?: string[];
  /** Names that have no kind, by OBJECT IDENTIFIER: user principal names and the like. */
  other_names?: TypedValue[];
}
export type SanField = Exclude<keyof San, 'other_names'>;
/** Ends that a request asks for; RFC 3339 in UTC and whole seconds (`2026-11-21T08:00:00Z`), both inclusive. */
export interface RequestedValidity {
  not_before?: string | undefined;
  not_after?: string | undefined;
}
/** What may vary per request, as stored in the ledger (canonical JSON) and checked twice: front end and signer. */
export interface RequestContent {
  subject_dn: SubjectDn;
  san: San;
  /** Absent: as the profile says, from the claim on. */
  validity?: RequestedValidity | undefined;
}

export type FieldRule =
  | 'required'
  | 'optional'
  | 'forbidden'
  | { static: string }
  | {
      rule: 'required' | 'optional';
      format?: FieldFormat | undefined;
      /** Characters of each value, below the bound of RFC 5280 that holds anyway. */
      max_characters?: number | undefined;
      /** Values, where a field may have several. */
      max?: number | undefined;
    };

/** The ASN.1 type that a text is written as. */
export type StringType = 'utf8' | 'printable' | 'ia5';

/** What a profile says of extra attributes or other names of one OBJECT IDENTIFIER. */
export interface TypedRule {
  oid: string;
  rule: 'required' | 'optional';
  type: StringType;
  max: number;
  format?: FieldFormat | undefined;
  max_characters?: number | undefined;
}

export interface SanRule {
  rule: 'required' | 'optional' | 'forbidden';
  max: number;
  /** For `dns_names`: may they begin with `*.`? */
  wildcards?: boolean | undefined;
  /** Names and addresses of special use, which nobody holds alone; refused when nothing is said. */
  reserved?: 'refuse' | 'allow' | undefined;
}

/** A policy by its OBJECT IDENTIFIER, with the address of the statement it comes from when there is one. */
export type PolicyRule = string | { oid: string; cps?: string | undefined };

/** An extension that a profile writes by itself: always the same, whatever is asked for. `hex` is DER. */
export type CustomExtension = { oid: string; critical: boolean } & (
  | { type: 'utf8' | 'ia5' | 'oid' | 'hex'; value: string }
  | { type: 'integer'; value: number }
  | { type: 'boolean'; value: boolean }
  | { type: 'null' }
);

/** A profile document, as written in YAML and kept as JSON; one immutable revision. */
export interface ProfileDocument {
  name: string;
  /** The CA it belongs to. */
  ca: string;
  purpose: Extract<Purpose, 'subscriber' | 'ocsp-signer' | 'ca-certificate'>;
  description?: string | undefined;
  /** Seconds; inclusive of the last one (T2). */
  validity_seconds: number;
  /** Seconds before the claim that notBefore lies; ≤ 86400. */
  backdate_seconds: number;
  /** What a request may ask for; nothing, when absent. Bounds are inclusive; times are those of its acceptance. */
  requested_validity?:
    | {
        /** Life, both ends inside. */
        min_seconds: number;
        max_seconds: number;
        /** How far before and after the acceptance notBefore may lie. */
        back_seconds: number;
        ahead_seconds: number;
      }
    | undefined;
  /** How long open work may go on after nobody waits (fate `continuing`). */
  time_to_live_seconds: number;
  subject: Partial<Record<SubjectField, FieldRule>>;
  /** What `subject_dn.extra_attributes` may hold; they follow the other fields, in this order. */
  extra_attributes?: TypedRule[] | undefined;
  san: Partial<Record<SanField, SanRule>>;
  /** What `san.other_names` may hold; they follow the other names, in this order. */
  other_names?: TypedRule[] | undefined;
  /** Key kinds a subscriber may bring. */
  keys: ProfileKeyKind[];
  key_usage: string[];
  extended_key_usage: string[];
  /** For `ca-certificate` only. */
  basic_constraints?: { ca: true; path_length?: number | undefined } | undefined;
  policies: PolicyRule[];
  aia?: { ocsp?: string | undefined; ca_issuers?: string | undefined } | undefined;
  crl_distribution_point?: string | undefined;
  /** RFC 9608: says that it will never be revoked, for certificates that live too short for that. */
  no_rev_avail?: true | undefined;
  extensions?: CustomExtension[] | undefined;
}

/** What a template needs to know of the CA that signs. */
export interface Issuer {
  /** DER Name, copied byte for byte (T4). */
  readonly subjectDer: Uint8Array;
  /** SubjectPublicKeyInfo, DER: gives AKI and the signature algorithm. */
  readonly spki: Uint8Array;
}

/** A TBSCertificate with holes, compiled once per (profile revision, CA) by PKI.js. */
export interface Template {
  /** SHA-256 over every fixed byte and the layout: two signers that disagree are found by it. */
  readonly hash: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  fill(input: {
    serial: Uint8Array;
    notBefore: Date;
    notAfter: Date;
    content: RequestContent;
    spki: Uint8Array;
  }): Uint8Array;
}

export interface Finding {
  /** RFC 6901 pointer into the request body. */
  readonly pointer: string;
  readonly code: 'subject-invalid' | 'validity-invalid' | 'csr-invalid' | 'key-weak' | 'body-invalid';
  readonly detail: string;
}
