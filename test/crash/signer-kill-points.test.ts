import { signerKillSuite } from './signer-kill-suite.js';

signerKillSuite({ leaseMs: 2000, rounds: 1 });
