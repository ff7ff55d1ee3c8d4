import { createFileKeyStore } from '@sluice/key-store';
import { createContext, readConfig, systemClock } from '@sluice/signer';
import { createPacedKeyStore, createWitnessKeyStore } from '@sluice/testkit';
import { signsAgain } from './bugs/signs-again.js';
import { sleepUncounted } from './bugs/sleep-uncounted.js';
import { stepsBack } from './bugs/steps-back.js';
import { trustingClaims } from './bugs/trusting-claims.js';
import { labelledVerbs } from './kill-labels.js';
import { labelVerbs } from './labelled-verbs.js';
import { runService } from './run-service.js';

const { TESTKIT_WITNESS_FILE, TESTKIT_PACER, TESTKIT_TRUST_CLAIMS } = process.env;

/**
 * The signer as it ships, with a witness between it and its keys, a set capacity if one is asked for, and kill points.
 * The order matters: the witness writes, then the signature waits for its turn, then the key is asked.
 */
await runService('signer', ({ checkpoint, bugFile }) => {
  const config = readConfig();
  const file = createFileKeyStore({
    dir: config.keyStoreDir,
    passphrase: config.keyPassphrase,
    token: config.token,
  });
  const paced = TESTKIT_PACER === undefined ? file : createPacedKeyStore(file, { pacer: TESTKIT_PACER });
  const witnessed = TESTKIT_WITNESS_FILE === undefined ? paced : createWitnessKeyStore(paced, TESTKIT_WITNESS_FILE);
  return createContext(config, {
    keyStore: signsAgain(witnessed, bugFile),
    checkpoint,
    clock: sleepUncounted(systemClock, bugFile),
    aroundLedger: (ledger) =>
      labelVerbs(
        stepsBack(TESTKIT_TRUST_CLAIMS === undefined ? ledger : trustingClaims(ledger), bugFile),
        'signer',
        checkpoint,
        labelledVerbs.signer,
      ),
  });
});
