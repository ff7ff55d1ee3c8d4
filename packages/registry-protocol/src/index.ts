export * from './admin-api.js';
export * from './replay-guard.js';
export * from './snapshot.js';
export * from './subscriber-report.js';
export * from './token.js';
