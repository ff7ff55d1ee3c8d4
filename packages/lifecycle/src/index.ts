export { type Checkpoint, noCheckpoint } from './checkpoint.js';
export { every } from './every.js';
export type { Log } from './log.js';
export { createOutageLog, type OutageLog } from './outage-log.js';
export type { Part } from './part.js';
export { type RunOptions, runParts } from './run-parts.js';
export { createUnderWay, type UnderWay } from './under-way.js';
export { within, withinHeard } from './within.js';
