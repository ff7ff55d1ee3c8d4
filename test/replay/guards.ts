/** What stands between the cause of 28 October 2020 and its harm. */
export const guards = ['push', 'renewer-stop', 'error-filter', 'deadline', 'join', 'admission', 'park'] as const;
export type Guard = (typeof guards)[number];

/** What a run has with the guard, and what it has in its place: the old style, put together in the test tree alone. */
export const guardTexts: Readonly<Record<Guard, { readonly name: string; readonly on: string; readonly off: string }>> =
  {
    push: {
      name: 'push',
      on: 'front ends hear of every change, and refuse what the dead CAs are asked for',
      off: 'the way from the registry to the front ends is cut before the ceremony',
    },
    'renewer-stop': {
      name: 'renewer stop',
      on: 'one renewal in flight per CA and responder; refused for good, it stops; otherwise it comes back ever later',
      off: 'a responder asks anew every second until it has its certificate, whatever became of what it asked before',
    },
    'error-filter': {
      name: 'error filter',
      on: 'what a dead CA is asked for is rejected, and no signer steps back for it',
      off: 'every failure feeds one back-off of the whole signer: three of them, and it takes nothing for 10 s',
    },
    deadline: {
      name: 'deadline in the claim',
      on: 'what nobody waits for any more is never signed',
      off: 'first in first out: a front end says 503 after the wait, and the request stays queued and is signed',
    },
    join: {
      name: 'join',
      on: 'clients ask again with the same key, and join what is open',
      off: 'clients have no key: every try is a request of its own',
    },
    admission: {
      name: 'admission',
      on: 'what would not be signed in time is refused within milliseconds',
      off: 'front ends let everything in',
    },
    park: {
      name: 'park',
      on: 'an operator follows runbooks/queue-flood.md and sets the flood aside, a third of it first',
      off: 'nobody acts',
    },
  };
