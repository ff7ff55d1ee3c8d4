export type {
  Continuing,
  Identity,
  Open,
  Order,
  OrderContent,
  San,
  SubjectDn,
  TypedValue,
  Validity,
} from './bodies.js';
export { CallError, type CallErrorFacts, type FailureCode, type GaveUp } from './call-error.js';
export { type Client, type ClientOptions, createClient, type OrderOptions, type WaitOptions } from './client.js';
export type { Clock } from './clock.js';
export type { Standing } from './look.js';
