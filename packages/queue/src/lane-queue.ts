import { type Lane, laneName } from '@sluice/issuance';

/** BullMQ's name of every lane's queue; the lanes differ by prefix. */
export const queueName = 'turns';

/** The lane as a hash tag: all keys of a lane's queue share one slot of a Redis Cluster, the lanes spread. */
export function queuePrefix(lane: Lane): string {
  return `{sluice:${laneName(lane)}}`;
}

/** The list of turns that wait, for its length. */
export function waitingKey(lane: Lane): string {
  return `${queuePrefix(lane)}:${queueName}:wait`;
}

/**
 * For Queue and Worker alike. The version is checked by `assertQueueRedis`; asking again here would let one failed INFO
 * spoil the object for ever. So would waiting for a Redis that is away.
 */
export const bullmqOptions = { skipVersionCheck: true, skipWaitingForReady: true } as const;
