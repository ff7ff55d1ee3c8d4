import { serviceKillSuite, servicePoints } from './service-kill-suite.js';

/** Where something has just become durable and nobody has been told; every point in `npm run test:soak`. */
const short = ['accept', 'decide', 'createCa', 'putKeyWork', 'completeGenerate', 'completeCaCertificate'];
serviceKillSuite(servicePoints.filter(([label]) => short.some((verb) => label.endsWith(`:after-${verb}`))));
