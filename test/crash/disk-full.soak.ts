import { diskFullSuite } from './disk-full-suite.js';

diskFullSuite({ fullMs: 8000, leaseMs: 5000 });
