/**
 * The closed set of codes. A code is stable: it stands in HTTP problems, outcomes in the ledger, logs, metrics and
 * the CLI. `status` is what the front end answers; `whatToDo` is the sentence a client or operator reads.
 */
export const codes = {
  // What a client sent
  'body-invalid': {
    status: 400,
    title: 'The body is not what this call takes',
    whatToDo: 'Correct the field named in `pointer` and send it again.',
  },
  'key-invalid': {
    status: 400,
    title: 'The Idempotency-Key is not usable',
    whatToDo: 'Send 1 to 255 printable ASCII characters.',
  },
  'id-invalid': {
    status: 400,
    title: 'The id is not a request id',
    whatToDo: 'Use the id from the answer or its Location.',
  },
  unauthorized: {
    status: 401,
    title: 'No account for this API key',
    whatToDo: 'Send `Authorization: Bearer <api key>` of an enabled account.',
  },
  forbidden: { status: 403, title: 'This account may not do that', whatToDo: 'Ask the operator to allow it.' },
  'not-found': {
    status: 404,
    title: 'Nothing here by that name',
    whatToDo: 'Check the address; another account sees nothing of yours.',
  },
  'not-cancellable': {
    status: 409,
    title: 'It is being signed or has ended',
    whatToDo: 'Read the request to see how it ended.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    whatToDo: 'Send at most 64 kB, the CSR at most 16 kB.',
  },
  'media-type': { status: 415, title: 'Not a media type this call takes', whatToDo: 'Send application/json.' },
  'payload-mismatch': {
    status: 422,
    title: 'This Idempotency-Key was used with another payload',
    whatToDo: 'Use a new key for a new request.',
  },
  'csr-invalid': {
    status: 422,
    title: 'The CSR cannot be used',
    whatToDo: 'Make a new PKCS#10 request, signed by its own key.',
  },
  'key-weak': {
    status: 422,
    title: 'The public key is not accepted',
    whatToDo: 'Use a key of a kind the profile allows.',
  },
  'subject-invalid': {
    status: 422,
    title: 'The subject is not one the profile allows',
    whatToDo: 'Correct the fields named.',
  },
  'profile-invalid': { status: 422, title: 'The profile document is not valid', whatToDo: 'Correct the places named.' },
  'lint-failed': { status: 422, title: 'The certificate would break a rule', whatToDo: 'Correct the field named.' },
  // What the registry does not permit (administrative: never retried, no back-off)
  'profile-unknown': {
    status: 409,
    title: 'No such profile for this account',
    whatToDo: 'Use a profile that the account may use.',
  },
  'profile-disabled': {
    status: 409,
    title: 'The profile is disabled',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'account-disabled': {
    status: 409,
    title: 'The account is disabled',
    whatToDo: 'Ask the operator; retrying does not help.',
  },
  'ca-unknown': { status: 409, title: 'No such CA', whatToDo: 'Check the name.' },
  'ca-pending': { status: 409, title: 'The CA is still being made', whatToDo: 'Wait until it is active.' },
  'ca-disabled': { status: 409, title: 'The CA is disabled', whatToDo: 'Use another profile; retrying does not help.' },
  'ca-retiring': {
    status: 409,
    title: 'The CA is being retired',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-destroying': {
    status: 409,
    title: 'The CA is being destroyed',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-destroyed': {
    status: 409,
    title: 'The CA no longer exists',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-expiring': {
    status: 409,
    title: 'The certificate would outlive its CA',
    whatToDo: 'Use a profile of a younger CA.',
  },
  'not-permitted': { status: 409, title: 'The state of the CA does not permit this', whatToDo: 'See its state.' },
  conflict: {
    status: 409,
    title: 'It exists already, or changed meanwhile',
    whatToDo: 'Read it again and decide anew.',
  },
  cancelled: { status: 409, title: 'The request was cancelled', whatToDo: 'Send a new request.' },
  // How a wait ends
  'not-issued': {
    status: 503,
    title: 'Not issued in time',
    whatToDo: 'No signature was begun or will be. Try again after Retry-After.',
  },
  withheld: {
    status: 503,
    title: 'Not issued in time',
    whatToDo: 'No certificate will be handed out; what may exist is revoked. Try again after Retry-After.',
  },
  failed: { status: 503, title: 'Signing failed repeatedly', whatToDo: 'An operator decides. Look at Location later.' },
  'outcome-unknown': {
    status: 503,
    title: 'The ledger did not say',
    whatToDo: 'Ask again with the same Idempotency-Key.',
  },
  'lane-full': {
    status: 503,
    title: 'Too much open work',
    whatToDo: 'Nothing was stored. Try again after Retry-After.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests',
    whatToDo: 'Nothing was stored. Try again after Retry-After.',
  },
  unavailable: {
    status: 503,
    title: 'Something this call needs is away',
    whatToDo: 'Nothing was stored. Try again after Retry-After.',
  },
  draining: {
    status: 503,
    title: 'This process is stopping',
    whatToDo: 'Nothing was stored. Try again; another process answers.',
  },
  // Inside
  fenced: { status: 503, title: 'This process lost its lease', whatToDo: 'It enrols anew by itself; try again.' },
  'key-missing': { status: 503, title: 'The CA key is not on this token', whatToDo: 'See runbooks; the work is held.' },
  'key-exists': { status: 409, title: 'Another key has that label', whatToDo: 'Choose another CA name.' },
  'token-failed': {
    status: 503,
    title: 'The token did not answer rightly',
    whatToDo: 'See the signer; another token serves meanwhile.',
  },
  'signature-wrong': {
    status: 500,
    title: 'Our own signature did not verify',
    whatToDo: 'The certificate was not handed out; the serial is burned.',
  },
  'lease-lost': { status: 503, title: 'The signer died or froze', whatToDo: 'The sweep queues it again.' },
  'stale-snapshot': {
    status: 503,
    title: 'The registry snapshot is older than the ledger asks',
    whatToDo: 'It is read again at once.',
  },
  'config-invalid': { status: 500, title: 'The configuration cannot be used', whatToDo: 'Correct the keys named.' },
  internal: { status: 500, title: 'A fault of ours', whatToDo: 'Report it with the request id.' },
} as const satisfies Record<string, CodeFacts>;

export interface CodeFacts {
  /** HTTP status the edge answers with. */
  readonly status: number;
  readonly title: string;
  readonly whatToDo: string;
}

export type Code = keyof typeof codes;
