import { signerKillSuite } from './signer-kill-suite.js';

signerKillSuite({ leaseMs: 10_000, rounds: 5, inFlight: 130, signaturesPerSecond: 60 });
