import { type Code, codes, SluiceError } from '@sluice/errors';
import { dispositionOf } from '@sluice/issuance';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { claimBatch } from './claim.js';
import { claimHindrance } from './claim-guard.js';
import { processClaim } from './process-claim.js';
import { refuseRows, releaseRows } from './settle.js';
import { caRow, createTestSigner, type TestSigner } from './testing/test-signer.js';

const lane = { class: 'interactive', keyGroup: 'default' } as const;
const harmless = (Object.keys(codes) as Code[]).filter((code) =>
  ['administrative', 'request', 'held', 'key-missing'].includes(dispositionOf(code)),
);

/** What may come in one claim beside healthy work: each fails in its own way, and none by anybody's hardware. */
const failing = {
  'account unknown': (signer: TestSigner) => signer.accept('tls', { account: 'nobody' }),
  'CA of nobody': (signer: TestSigner) => signer.accept('tls', { ca: 'elsewhere' }),
  'CA disabled': (signer: TestSigner) => signer.accept('scans', { ca: 'dead' }),
  'purpose forged': (signer: TestSigner) => signer.accept('tls', { purpose: 'ocsp-signer' }),
  'content broken': (signer: TestSigner) => signer.accept('tls', { content: '{' }),
  'key weak': (signer: TestSigner) => signer.accept('tls', { spki: new Uint8Array([1, 2, 3]) }),
  'key gone': (signer: TestSigner) => signer.accept('documents'),
};
type Failing = keyof typeof failing;

const mixes = fc.array(
  fc.record({
    work: fc.array(fc.constantFrom('healthy' as const, ...(Object.keys(failing) as Failing[])), { maxLength: 12 }),
    /** What the ledger's verdicts, other claims and the token's answers said meanwhile. */
    told: fc.array(fc.constantFrom(...harmless), { maxLength: 12 }),
    laterMs: fc.constantFrom(0, 1, 1000, 60_000),
  }),
  { minLength: 1, maxLength: 8 },
);

async function withDeadCa(): Promise<TestSigner> {
  const signer = await createTestSigner();
  const { spki } = await signer.keyStore.generate('dead', 'ec-p256');
  signer.snapshot.cas.push({ ...caRow('dead', 'ec-p256', spki), state: 'destroyed' });
  await signer.apply();
  return signer;
}

/** A signer claims again at once while a claim comes back full. */
async function claimAll({ context }: TestSigner): Promise<void> {
  for (let full = true; full; ) {
    const claim = await claimBatch(context, lane, { countMax: 64 });
    await processClaim(context, claim);
    full = claim.full;
  }
}

it('no mix of failures that are nobody’s hardware opens a breaker, hinders a claim or delays another CA’s work', async () => {
  expect(harmless).toEqual(expect.arrayContaining(['ca-disabled', 'profile-unknown', 'csr-invalid', 'key-missing']));
  await fc.assert(
    fc.asyncProperty(mixes, async (mix) => {
      const signer = await withDeadCa();
      signer.keyStore.keys.delete('slow');
      const { clock, context, ledger } = signer;
      let pausedMs = 0;
      clock.pause = async (waitMs) => {
        pausedMs += waitMs;
      };
      const { tokenBreaker } = context;
      for (const { work, told, laterMs } of mix) {
        for (const code of told) {
          tokenBreaker.count(new SluiceError(code));
          await tokenBreaker.run(() => Promise.reject(new SluiceError(code))).catch(() => undefined);
        }
        const healthy = work.filter((kind) => kind === 'healthy').map(() => signer.accept('tls'));
        for (const kind of work) if (kind !== 'healthy') failing[kind](signer);
        const last = signer.accept('tls');
        const clockWatch = { fault: () => undefined };
        expect(claimHindrance({ tokenBreaker, clockWatch, attachment: clockWatch })).toBeUndefined();
        await claimAll(signer);
        // At once, beside whatever failed: not after somebody's wait.
        expect([...healthy, last].filter(({ state }) => state !== 'issued')).toEqual([]);
        expect([tokenBreaker.state(), context.backOff.waiting('fast')]).toEqual(['closed', undefined]);
        ledger.quarantined.clear(); // the registry was never told: it comes again and again
        clock.pass(laterMs);
      }
      expect([pausedMs, ledger.violations]).toEqual([0, []]);
    }),
    { numRuns: 20, endOnFailure: true },
  );
});

it.each(harmless)('a row that was given back or refused for %s makes no CA wait', async (code) => {
  const signer = await createTestSigner();
  signer.accept('tls');
  const claim = await claimBatch(signer.context, lane, { countMax: 64 });
  const rows = claim.rows.map((row) => ({ row, code, detail: '' }));
  await releaseRows(signer.context, claim.lease, rows);
  await refuseRows(signer.context, claim.lease, rows);
  expect(signer.context.backOff.waitingCas()).toEqual([]);
});
