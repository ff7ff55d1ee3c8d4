import type { CodeFacts } from '../code-facts.js';

/** How a wait ends without a certificate. */
export const endingCodes = {
  cancelled: {
    status: 409,
    title: 'The request was cancelled',
    meaning:
      'The account cancelled it (`DELETE /identity/{id}`) while nobody was signing it. No certificate will be handed out.',
    whatToDo: 'Send a new request.',
  },
  'not-issued': {
    status: 503,
    title: 'Not issued in time',
    meaning: 'The wait was over before a signature was begun. It has ended, and cannot come to life again by itself.',
    whatToDo: 'No signature was begun or will be. Try again after Retry-After.',
  },
  withheld: {
    status: 503,
    title: 'Not issued in time',
    meaning:
      'The wait was over after a signature had been begun and given up. Its serial number is on the way to the CRL.',
    whatToDo: 'No certificate will be handed out; what may exist is revoked. Try again after Retry-After.',
  },
  failed: {
    status: 503,
    title: 'Signing failed repeatedly',
    meaning:
      'All attempts are used up. The request is kept on the shelf until an operator resubmits it or its time is over.',
    whatToDo: 'An operator decides. Look at Location later.',
  },
  'outcome-unknown': {
    status: 503,
    title: 'The ledger did not say',
    meaning: 'The answer of the ledger was lost, so it may or may not have been stored. Guessing would be a lie.',
    whatToDo: 'Ask again with the same Idempotency-Key.',
  },
  overloaded: {
    status: 503,
    title: 'It would not be signed in time',
    meaning:
      'By what is open and what the signers lately signed, the wait would be over first. More work would only make everybody wait in vain.',
    whatToDo:
      'Nothing of this call was stored. Try again after Retry-After, with the same Idempotency-Key if it had one; with `Prefer: respond-async` it may take longer than a wait.',
  },
  'lane-full': {
    status: 503,
    title: 'Too much open work',
    meaning: 'As much work is open, of all accounts together, as may be at once.',
    whatToDo:
      'Nothing of this call was stored. Try again after Retry-After, with the same Idempotency-Key if it had one.',
  },
  'account-full': {
    status: 503,
    title: 'Too much open work of this account',
    meaning: 'The account has as much open work, altogether or from one CA, as it may have at once. Others go on.',
    whatToDo:
      'Nothing of this call was stored. Wait for what is open, and try again after Retry-After, with the same Idempotency-Key if it had one.',
  },
  unavailable: {
    status: 503,
    title: 'Something this call needs is away',
    meaning: 'The ledger or the registry does not answer this process at the moment.',
    whatToDo:
      'Nothing of this call was stored. Try again after Retry-After, with the same Idempotency-Key if it had one.',
  },
  draining: {
    status: 503,
    title: 'This process is stopping',
    meaning: 'It finishes what it has and takes nothing new. The connection is closed after this answer.',
    whatToDo:
      'Nothing of this call was stored. Try again, with the same Idempotency-Key if it had one; another process answers.',
  },
} as const satisfies Record<string, CodeFacts>;
