import { describeInputs } from './input-suite.js';

describeInputs({ valid: 1000, mutated: 1500 });
