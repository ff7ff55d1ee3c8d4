import type { CodeFacts } from '../code-facts.js';

/** What the registry does not permit: administrative, so never retried and without back-off. */
export const registryCodes = {
  'profile-unknown': {
    status: 409,
    title: 'No such profile for this account',
    meaning: 'There is no profile of that name, it is none for subscribers, or this account has not been given it.',
    whatToDo: 'Use a profile that the account may use.',
  },
  'profile-disabled': {
    status: 409,
    title: 'The profile is disabled',
    meaning: 'An operator has switched the profile off. It stays so until one switches it on again.',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'account-disabled': {
    status: 409,
    title: 'The account is disabled',
    meaning: 'The API key is right, and its account has been switched off by an operator.',
    whatToDo: 'Ask the operator; retrying does not help.',
  },
  'ca-unknown': {
    status: 409,
    title: 'No such CA',
    meaning: 'The CA that is named, or that the profile belongs to, is not there.',
    whatToDo: 'Check the name.',
  },
  'ca-pending': {
    status: 409,
    title: 'The CA is still being made',
    meaning: 'The key or the certificate of the CA is not there yet.',
    whatToDo: 'Wait until it is active.',
  },
  'ca-disabled': {
    status: 409,
    title: 'The CA is disabled',
    meaning: 'The CA issues no certificates to subscribers until two operators enable it again.',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-retiring': {
    status: 409,
    title: 'The CA is being retired',
    meaning: 'The CA is at the end of its life and issues no more certificates to subscribers.',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-destroying': {
    status: 409,
    title: 'The CA is being destroyed',
    meaning: 'The key of the CA is being destroyed, for good.',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-destroyed': {
    status: 409,
    title: 'The CA no longer exists',
    meaning: 'The key of the CA has been destroyed. Nothing will ever be signed with it again.',
    whatToDo: 'Use another profile; retrying does not help.',
  },
  'ca-expiring': {
    status: 409,
    title: 'The certificate would outlive its CA',
    meaning:
      'The CA ends before a certificate of this profile would, and no certificate is valid for longer than its CA.',
    whatToDo: 'Use a profile of a younger CA.',
  },
  'key-blocked': {
    status: 409,
    title: 'The public key is blocked',
    meaning:
      'The key is on the block list: an operator put it there, or a certificate of it was revoked for keyCompromise, because others know its private half. It stays there for good.',
    whatToDo: 'Make a new key; the old one is of no use any more.',
  },
  'not-permitted': {
    status: 409,
    title: 'The state of the CA does not permit this',
    meaning: 'What was asked for, the profile and the CA in its present state do not go together.',
    whatToDo: 'See its state.',
  },
  conflict: {
    status: 409,
    title: 'It exists already, or changed meanwhile',
    meaning: 'Somebody else was first, or what the decision was based on is no longer so.',
    whatToDo: 'Read it again and decide anew.',
  },
} as const satisfies Record<string, CodeFacts>;
