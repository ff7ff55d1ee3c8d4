import { createContext, readConfig } from '@sluice/identity-api';
import { buggyAccepts } from './bugs/identity-ledger.js';
import { unadmitted } from './bugs/unadmitted.js';
import { undecided } from './bugs/undecided.js';
import { labelledVerbs } from './kill-labels.js';
import { labelVerbs } from './labelled-verbs.js';
import { runService } from './run-service.js';

/** The front end as it ships, with kill points around every verb of its ledger. */
await runService('identity-api', ({ checkpoint, bugFile }) =>
  createContext(readConfig(), {
    checkpoint,
    aroundLedger: (ledger) =>
      labelVerbs(
        undecided(unadmitted(buggyAccepts(ledger, bugFile), bugFile), bugFile),
        'identity-api',
        checkpoint,
        labelledVerbs['identity-api'],
      ),
  }),
);
