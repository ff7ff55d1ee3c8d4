import type { CodeFacts } from '../code-facts.js';

/** What goes wrong inside. Clients meet few of these. */
export const insideCodes = {
  fenced: {
    status: 503,
    title: 'This process lost its lease',
    meaning:
      'It could not renew its lease in time and may no longer act, so that it cannot act on an outdated registry.',
    whatToDo: 'It enrols anew by itself; try again.',
  },
  'key-missing': {
    status: 503,
    title: 'The CA key is not on this token',
    meaning:
      'The token answers and holds its control object, but not the key of the CA. The work is held, not rejected.',
    whatToDo: 'See runbooks; the work is held.',
  },
  'key-exists': {
    status: 409,
    title: 'Another key has that label',
    meaning: 'A key for a CA of that name is on the token already, and no key is ever overwritten.',
    whatToDo: 'Choose another CA name.',
  },
  'token-failed': {
    status: 503,
    title: 'The token did not answer rightly',
    meaning: 'The device or folder that holds the keys gave an error, went away or did not answer in time.',
    whatToDo: 'See the signer; another token serves meanwhile.',
  },
  'signature-wrong': {
    status: 500,
    title: 'Our own signature did not verify',
    meaning: 'What the token returned is no signature of that CA over those bytes.',
    whatToDo: 'The certificate was not handed out; the serial is burned.',
  },
  'lease-lost': {
    status: 503,
    title: 'The signer died or froze',
    meaning: 'The lease of a claim ran out before its work was completed.',
    whatToDo: 'The sweep queues it again.',
  },
  'stale-snapshot': {
    status: 503,
    title: 'The registry snapshot is older than the ledger asks',
    meaning: 'This process has not yet heard of a change of the registry that the ledger already knows.',
    whatToDo: 'It is read again at once.',
  },
  'epoch-rolled-back': {
    status: 503,
    title: 'The registry offers an older state than was applied',
    meaning:
      'Its database was restored from an older backup, or it is another one. What is in force stays: a CA that was disabled must not come back.',
    whatToDo: 'Do as runbooks/registry-rolled-back.md says.',
  },
  'clock-skewed': {
    status: 503,
    title: 'The clock of this process is wrong',
    meaning: 'It is more than 5 s from the ledger’s, so this signer claims nothing until it is right again.',
    whatToDo: 'Set the clock of that machine; the signer goes on by itself.',
  },
  'config-invalid': {
    status: 500,
    title: 'The configuration cannot be used',
    meaning: 'A process did not start because of the keys named.',
    whatToDo: 'Correct the keys named.',
  },
  internal: {
    status: 500,
    title: 'A fault of ours',
    meaning:
      'Something happened that should not. What it was stands in our log under the request id, and nowhere else.',
    whatToDo: 'Report it with the request id.',
  },
} as const satisfies Record<string, CodeFacts>;
