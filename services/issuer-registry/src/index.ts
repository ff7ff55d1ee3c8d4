export { type Config, readConfig } from './config.js';
export { type Context, createContext, type Overrides } from './context.js';
