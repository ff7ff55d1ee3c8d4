import { serviceKillSuite, servicePoints } from './service-kill-suite.js';

/** Where something has just become durable and nobody has been told; every point in `npm run test:soak`. */
serviceKillSuite(servicePoints.filter(([label]) => label.includes(':after-')));
