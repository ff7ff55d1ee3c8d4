import { verbFailures } from '@sluice/testkit';
import { writesSuite } from './writes-suite.js';

writesSuite({ failures: verbFailures, alone: true, endWithinMs: 60_000 });
