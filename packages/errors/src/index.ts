export { type Code, type CodeFacts, codes } from './codes.js';
export { type Fate, type Problem, toProblem } from './problem.js';
export { asSluiceError, SluiceError } from './sluice-error.js';
