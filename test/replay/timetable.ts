/** When what happens, in seconds from the first renewal. What takes 6 s in the world takes 6 s here. */
export interface Timetable {
  /** Clients begin to order. */
  readonly calm: number;
  readonly ceremony: number;
  readonly rollOut: number;
  readonly parkThird: number;
  readonly parkAll: number;
  /** The trigger is gone: no responder asks for a dead CA any more. */
  readonly reduced: number;
  readonly end: number;
}

/** Most of an hour and a half in a minute. */
export const forPeople: Timetable = {
  calm: -12,
  ceremony: -6,
  rollOut: 6,
  parkThird: 14,
  parkAll: 20,
  reduced: 28,
  end: 58,
};

/** Long enough for one back-off and what it does to calls with a limit of 6 s. */
export const forTests: Timetable = {
  calm: -3,
  ceremony: -2,
  rollOut: 3,
  parkThird: 5,
  parkAll: 7,
  reduced: 12,
  end: 20,
};

interface Moment {
  readonly at: keyof Timetable | 'renewals';
  /** UTC. */
  readonly hour: string;
  readonly happened: string;
  readonly here: string;
}

/** 27 and 28 October 2020, and what stands for it in the replay. */
export const moments: readonly Moment[] = [
  {
    at: 'ceremony',
    hour: '27 October',
    happened:
      'Keys of several CAs are destroyed in a planned ceremony, and their profiles are disabled. The front ends are not told.',
    here: 'Six CAs are retired, their profiles disabled, their keys destroyed. Without push, the front ends are not told.',
  },
  {
    at: 'renewals',
    hour: '14:00',
    happened: 'OCSP services renew their signing certificates, those of six destroyed CAs among them. Alerts.',
    here: 'Every responder asks for every CA, dead or alive.',
  },
  {
    at: 'rollOut',
    hour: '14:00–14:29',
    happened:
      'All signers back off. A roll-out restarts OCSP services, which ask again all at once. Identity calls reach 6 s: 503, retries, 429.',
    here: 'Every responder of a live CA starts again, and asks at once.',
  },
  {
    at: 'parkThird',
    hour: '15:20–15:30',
    happened: 'A third of the queues is parked. Partial recovery.',
    here: 'With park: a third of the flood, by the page.',
  },
  {
    at: 'parkAll',
    hour: '16:00',
    happened: 'Another third is parked. Normal at about 16:15.',
    here: 'With park: the rest of it.',
  },
  {
    at: 'reduced',
    hour: '14:30–15:30',
    happened: 'The pool of OCSP servers is reduced by hand.',
    here: 'No responder asks for a dead CA any more. Later than in 2020, so that parking is seen while the cause goes on.',
  },
];
