export const openStates = ['queued', 'signing'] as const;
export const shelfStates = ['parked', 'failed'] as const;
export const endStates = ['issued', 'rejected', 'expired', 'cancelled'] as const;
export type OpenState = (typeof openStates)[number];
export type ShelfState = (typeof shelfStates)[number];
export type EndState = (typeof endStates)[number];
export type RequestState = OpenState | ShelfState | EndState;

export const serialStates = ['intended', 'issued', 'void', 'burned'] as const;
export type SerialState = (typeof serialStates)[number];

/** Every transition a request may make (DESIGN section 3). PostgreSQL holds the same table and refuses all others. */
export const transitions: Readonly<Record<'new' | RequestState, readonly RequestState[]>> = {
  new: ['queued'],
  queued: ['signing', 'rejected', 'expired', 'parked', 'cancelled'],
  signing: ['issued', 'rejected', 'queued', 'failed'],
  parked: ['queued', 'cancelled', 'expired'],
  failed: ['queued', 'cancelled', 'expired'],
  issued: [],
  rejected: [],
  expired: [],
  cancelled: [],
};

/** Every transition a serial may make. */
export const serialTransitions: Readonly<Record<'new' | SerialState, readonly SerialState[]>> = {
  new: ['intended'],
  intended: ['issued', 'void', 'burned'],
  issued: [],
  void: [],
  burned: [],
};

export function mayBecome(from: 'new' | RequestState, to: RequestState): boolean {
  return transitions[from].includes(to);
}
