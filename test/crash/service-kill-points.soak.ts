import { serviceKillSuite, servicePoints } from './service-kill-suite.js';

serviceKillSuite(servicePoints, 80);
