import { expect, it } from 'vitest';
import { labelledVerbs } from '../processes/kill-labels.js';
import { serviceKillSuite, servicePoints } from './service-kill-suite.js';

/** Where something has just become durable and nobody has been told; every point in `npm run test:soak`. */
const short = ['accept', 'decide', 'createCa', 'putKeyWork', 'completeGenerate', 'completeCaCertificate'];
const shortPoints = servicePoints.filter(([label]) => short.some((verb) => label.endsWith(`:after-${verb}`)));
serviceKillSuite(shortPoints, 40);

it('has every label of every service', () => {
  const points = new Set(servicePoints.map(([label]) => label));
  const labels = Object.entries(labelledVerbs).flatMap(([service, verbs]) =>
    verbs.flatMap((verb) => [`${service}:before-${verb}`, `${service}:after-${verb}`]),
  );
  expect(labels.filter((label) => !points.has(label))).toEqual([]);
});
