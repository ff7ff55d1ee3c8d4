import { createContext, readConfig } from '@sluice/issuer-registry';
import { labelledVerbs } from './kill-labels.js';
import { labelVerbs } from './labelled-verbs.js';
import { runService } from './run-service.js';

/** The registry as it ships, with kill points around every verb that changes something. */
await runService('issuer-registry', ({ checkpoint }) =>
  createContext(readConfig(), {
    aroundStore: (store) => labelVerbs(store, 'issuer-registry', checkpoint, labelledVerbs['issuer-registry']),
  }),
);
