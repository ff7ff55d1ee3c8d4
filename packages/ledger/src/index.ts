export * from './registry-types.js';
export * from './types.js';
