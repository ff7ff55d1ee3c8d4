export { type Breaker, type BreakerOptions, type BreakerState, breakerStates } from './breaker.js';
export { type Breakers, createBreakers } from './breakers.js';
