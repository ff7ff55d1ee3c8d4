import { signerKillSuite } from './signer-kill-suite.js';

// Few signatures: the tokens shall be short and not the machine, whatever else runs on it.
signerKillSuite({ leaseMs: 2000, rounds: 1, inFlight: 100, signaturesPerSecond: 30 });
