import { describeInputs } from './input-suite.js';

describeInputs({ valid: 4000, mutated: 6000 });
