import { asSluiceError } from '@sluice/errors';
import { createFileKeyStore } from '@sluice/key-store';
import { createSignerLedger } from '@sluice/ledger';
import { runParts } from '@sluice/lifecycle';
import { createContext, readConfig, systemClock } from '@sluice/signer';
import { createPacedKeyStore, createWitnessKeyStore, killAt, shiftedClock } from '@sluice/testkit';
import { trustingClaims } from './trusting-claims.js';

/**
 * The signer as it ships, with a witness between it and its keys, a set capacity if one is asked for, and kill points.
 * The order matters: the witness writes, then the signature waits for its turn, then the key is asked.
 */
const { TESTKIT_WITNESS_FILE, TESTKIT_PACER, TESTKIT_KILL_FILE, TESTKIT_CLOCK_FILE, TESTKIT_TRUST_CLAIMS } =
  process.env;

try {
  const config = readConfig();
  const file = createFileKeyStore({
    dir: config.keyStoreDir,
    passphrase: config.keyPassphrase,
    token: config.token,
  });
  const paced = TESTKIT_PACER === undefined ? file : createPacedKeyStore(file, { pacer: TESTKIT_PACER });
  const keyStore = TESTKIT_WITNESS_FILE === undefined ? paced : createWitnessKeyStore(paced, TESTKIT_WITNESS_FILE);
  const { log, parts } = createContext(config, {
    keyStore,
    ...(TESTKIT_TRUST_CLAIMS === undefined
      ? {}
      : { ledger: trustingClaims(createSignerLedger({ url: config.databaseUrl })) }),
    ...(TESTKIT_CLOCK_FILE === undefined ? {} : { clock: { ...systemClock, now: shiftedClock(TESTKIT_CLOCK_FILE) } }),
    ...(TESTKIT_KILL_FILE === undefined ? {} : { checkpoint: killAt({ file: TESTKIT_KILL_FILE }) }),
  });
  await runParts(parts, { log, drainMs: 10_000 });
} catch (thrown) {
  const { code, message } = asSluiceError(thrown);
  process.stderr.write(`signer did not start: ${message} (${code})\n`);
  process.exitCode = 1;
}
