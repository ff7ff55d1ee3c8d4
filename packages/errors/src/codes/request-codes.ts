import type { CodeFacts } from '../code-facts.js';

/** What a client sent. */
export const requestCodes = {
  'body-invalid': {
    status: 400,
    title: 'The body is not what this call takes',
    meaning:
      'The body is not JSON, or a member is missing, unknown, of another type or too long, or holds characters that no name can hold. `findings` lists every place that was found.',
    whatToDo: 'Correct the field named in `pointer` and send it again.',
  },
  'key-invalid': {
    status: 400,
    title: 'The Idempotency-Key is not usable',
    meaning: 'The Idempotency-Key is empty, too long, stands there more than once or holds more than printable ASCII.',
    whatToDo: 'Send 1 to 255 printable ASCII characters.',
  },
  'id-invalid': {
    status: 400,
    title: 'The address does not hold a name or id of ours',
    meaning: 'What stands in the path where an id or a name belongs cannot be one: it is not even looked up.',
    whatToDo: 'Use the id from the answer or its Location.',
  },
  'http-invalid': {
    status: 400,
    title: 'Not an HTTP request that can be read',
    meaning:
      'The message breaks a rule of HTTP/1.1 (RFC 9112): a malformed line or header, no Host, two lengths that differ. Nothing was read of what it asks for, and the connection is closed.',
    whatToDo: 'Use an HTTP client library, and look at what stands between it and us.',
  },
  unauthorized: {
    status: 401,
    title: 'No account for this API key',
    meaning: 'There is no `Authorization` header, it is not of the form `Bearer slk_…`, or no account has that key.',
    whatToDo: 'Send `Authorization: Bearer <api key>` of an enabled account.',
  },
  forbidden: {
    status: 403,
    title: 'This account may not do that',
    meaning: 'We know who asks, and that caller has not been given the right to do this.',
    whatToDo: 'Ask the operator to allow it.',
  },
  'not-found': {
    status: 404,
    title: 'Nothing here by that name',
    meaning: "No such address, or nothing of this account's by that name. What belongs to others is answered the same.",
    whatToDo: 'Check the address; another account sees nothing of yours.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'Not a method of this address',
    meaning: 'The address exists, but not with this HTTP method. The `Allow` header lists the methods it takes.',
    whatToDo: 'Use a method that `Allow` names.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not arrive in time',
    meaning:
      'Headers must have arrived within 10 seconds, the whole request within 30. It was not whole, so nothing was done with it, and the connection is closed.',
    whatToDo: 'Send it again, whole. If it happens often, look at the network between.',
  },
  'not-cancellable': {
    status: 409,
    title: 'It is being signed or has ended',
    meaning: 'Only what is queued or set aside can be cancelled. `state` tells how it stands.',
    whatToDo: 'Read the request to see how it ended.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    meaning: 'The body has more than 64 kB, or the CSR in it more than 16 kB. It was not looked at.',
    whatToDo: 'Send at most 64 kB, the CSR at most 16 kB.',
  },
  'media-type': {
    status: 415,
    title: 'Not a media type this call takes',
    meaning: 'The body is declared as something other than JSON in UTF-8, or as compressed.',
    whatToDo: 'Send application/json.',
  },
  'payload-mismatch': {
    status: 422,
    title: 'This Idempotency-Key was used with another payload',
    meaning:
      'A key stands for one request of the account for 72 hours, and this body asks for something else. The earlier request is not touched.',
    whatToDo: 'Use a new key for a new request.',
  },
  'csr-invalid': {
    status: 422,
    title: 'The CSR cannot be used',
    meaning:
      'It is not a PKCS#10 request in DER (RFC 2986), something follows it, or it is not signed by the key in it, so that nothing proves that its sender holds that key.',
    whatToDo: 'Make a new PKCS#10 request, signed by its own key.',
  },
  'nonce-invalid': {
    status: 422,
    title: 'The nonce is not one to sign over',
    meaning:
      'The nonce in the proof is not one that this service has given to this account, or more than 5 minutes have passed since.',
    whatToDo: 'Take a new one from POST /nonce, and sign over that.',
  },
  'proof-invalid': {
    status: 422,
    title: 'The proof of possession is not one',
    meaning:
      'The signature was not made by the key that stands in `public_key`, or over something else than account, profile, key and nonce as POST /identity describes it, so that nothing proves that its sender holds that key.',
    whatToDo: 'Compare, octet by octet, what was signed with what POST /identity says is signed.',
  },
  'key-weak': {
    status: 422,
    title: 'The public key is not accepted',
    meaning:
      'The key is of a kind or size that the profile does not take, or is broken: a point off its curve, an even modulus or exponent, a modulus of a generator known as weak.',
    whatToDo: 'Use a key of a kind the profile allows.',
  },
  'subject-invalid': {
    status: 422,
    title: 'The subject is not one the profile allows',
    meaning:
      'A field of the subject or a name is missing, not allowed, too long or malformed by the rules of the profile. `findings` lists every one.',
    whatToDo: 'Correct the fields named.',
  },
  'validity-invalid': {
    status: 422,
    title: 'The validity is not one the profile allows',
    meaning:
      'A begin or end was asked for that the profile does not take: it takes none, it lies too far back or ahead, the life is too short or too long, it would outlive the CA; or the end had passed when its turn came.',
    whatToDo: 'Ask within the bounds that GET /profiles tells, or leave `validity` out.',
  },
  'profile-invalid': {
    status: 422,
    title: 'The profile document is not valid',
    meaning: 'A profile that an operator wanted to apply breaks a rule. Nothing was changed.',
    whatToDo: 'Correct the places named.',
  },
  'lint-failed': {
    status: 422,
    title: 'The certificate would break a rule',
    meaning:
      'The certificate was built but not signed: read back, it breaks the rule named (of RFC 5280 or of our own). No key was asked.',
    whatToDo: 'Correct the field named.',
  },
  'headers-too-large': {
    status: 431,
    title: 'Too many or too large headers',
    meaning: 'The headers have more than 16 kB together, or there are more than 100. None of them was looked at.',
    whatToDo: 'Send fewer headers: this service reads no cookies.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many calls in this while',
    meaning:
      'The account has ordered, or looked, as often as it may in a window of some seconds, which `RateLimit-Policy` tells. Asking again for what is known is not counted as an order, up to a bound of its own.',
    whatToDo:
      'Nothing of this call was stored. Try again after Retry-After, with the same Idempotency-Key if it had one.',
  },
  'quota-exceeded': {
    status: 429,
    title: 'The quota of 24 hours is used up',
    meaning:
      'The account has ordered as much as it may in 24 hours. They began with the first of those orders; what was refused or joined is not counted.',
    whatToDo: 'Nothing of this call was stored. Try again after Retry-After, or ask the operator for a larger quota.',
  },
} as const satisfies Record<string, CodeFacts>;
