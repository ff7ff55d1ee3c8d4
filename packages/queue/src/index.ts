export { assertQueueRedis } from './assert-queue-redis.js';
export { createBell } from './bell.js';
export { createTurnConsumer, type TurnConsumerOptions } from './turn-consumer.js';
export { requestsPerTurnMax } from './turn-job.js';
export { createTurnProducer, type TurnProducerOptions } from './turn-producer.js';
export * from './types.js';
export { createWindowCounter, type WindowCounterOptions } from './window-counter.js';
