import { outageSuite } from './outage-suite.js';

outageSuite({ outageMs: 10_000, leaseMs: 10_000, inFlight: 60, signaturesPerSecond: 100 });
