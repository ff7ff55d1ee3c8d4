export * from './account-limits.js';
export * from './admission.js';
export * from './ca-state.js';
export * from './disposition.js';
export * from './lane.js';
export * from './request-state.js';
export * from './retry-calendar.js';
export * from './standing.js';
