import { SluiceError } from '@sluice/errors';
import type { AuditFinding } from '@sluice/ledger';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { auditOnce } from './audit-once.js';
import { createTestSigner, type TestSigner } from './testing/test-signer.js';

let signer: TestSigner;
const never = new AbortController().signal;
beforeEach(async () => {
  signer = await createTestSigner();
});

const violations = async (): Promise<Record<string, number>> => {
  const { values } = await signer.context.metrics.auditViolations.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels.invariant), value]));
};

describe('an audit', () => {
  it('goes on until it has caught up', async () => {
    signer.ledger.auditAnswers = [9000, 4000, 0, 0].map((behindMs) => ({ audited: true, behindMs, findings: [] }));
    await auditOnce(signer.context, never);
    expect(signer.ledger.auditAnswers).toHaveLength(1);
  });

  it('leaves the rest to the next minute when there is too much', async () => {
    signer.ledger.auditAnswers = Array.from({ length: 30 }, () => ({ audited: true, behindMs: 9000, findings: [] }));
    await auditOnce(signer.context, never);
    expect(signer.ledger.auditAnswers).toHaveLength(6);
  });

  it('is another signer’s when that one has the lock', async () => {
    signer.ledger.auditAnswers = [0, 0].map((behindMs) => ({ audited: false, behindMs, findings: [] }));
    await auditOnce(signer.context, never);
    expect(signer.ledger.auditAnswers).toHaveLength(1);
  });

  it('counts every violation and names its rows, at error level', async () => {
    const finding: AuditFinding = { invariant: 'revoked', checked: 7, found: 2, rows: ['serial a', 'serial b'] };
    const lease: AuditFinding = { invariant: 'lease', checked: 1, found: 1, rows: ['request c'] };
    signer.ledger.auditWholeAnswer = [lease];
    signer.ledger.auditAnswers = [{ audited: true, behindMs: 0, findings: [finding] }];
    const error = vi.spyOn(signer.context.log, 'error');
    await auditOnce(signer.context, never);
    expect(await violations()).toMatchObject({ revoked: 2, lease: 1, issued: 0 });
    expect(error.mock.calls.map(([facts]) => facts)).toMatchObject([
      { event: 'audit-violation', invariant: 'lease', rows: ['request c'] },
      { event: 'audit-violation', invariant: 'revoked', found: 2, rows: finding.rows },
    ]);
  });

  it('does not mind the ledger being away', async () => {
    vi.spyOn(signer.ledger, 'auditWhole').mockRejectedValue(new SluiceError('unavailable'));
    await auditOnce(signer.context, never);
    expect((await signer.context.metrics.audits.get()).values).toMatchObject([
      { labels: { result: 'failed' }, value: 1 },
    ]);
  });
});
