import { writesSuite } from './writes-suite.js';

writesSuite({ failures: ['refused', 'answer-lost'], alone: false, inFlight: 8, signaturesPerSecond: 25 });
