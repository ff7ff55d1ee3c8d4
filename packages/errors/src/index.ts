export type { CodeFacts } from './code-facts.js';
export { type Code, codeGroups, codes, isCode } from './codes.js';
export { type JsonFault, jsonFault } from './json-faults.js';
export { type Fate, fates, type Problem, toProblem } from './problem.js';
export { asSluiceError, SluiceError } from './sluice-error.js';
