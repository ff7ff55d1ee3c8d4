import { killSuite } from './kill-suite.js';

killSuite({ leaseMs: 10_000, points: [], signerRounds: 5 });
