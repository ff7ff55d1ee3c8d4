export { type Clock, systemClock } from './clock.js';
export { readConfig, type SignerConfig } from './config.js';
export { type Context, createContext, type Overrides } from './context.js';
