import { outageSuite } from './outage-suite.js';

// Shorter than in outages.soak.ts: long enough for several polls, and for a request to be ordered and issued.
outageSuite({ outageMs: 3000, leaseMs: 3000, inFlight: 30, signaturesPerSecond: 30 });
