import { describeInputs } from './input-suite.js';

describeInputs({ valid: 50_000, mutated: 100_000 });
