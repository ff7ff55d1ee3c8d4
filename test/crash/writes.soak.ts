import { verbFailures } from '@sluice/testkit';
import { writesSuite } from './writes-suite.js';

writesSuite({ failures: verbFailures, alone: true, inFlight: 16, signaturesPerSecond: 60, endWithinMs: 60_000 });
