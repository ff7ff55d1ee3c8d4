import { killSuite } from './kill-suite.js';
import { servicePoints } from './service-kill-points.js';

killSuite({ leaseMs: 2000, points: servicePoints, signerRounds: 0 });
