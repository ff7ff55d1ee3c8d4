import { SluiceError } from '@sluice/errors';
import { describe, expect, it } from 'vitest';
import { isFaultOfOneRow, ledgerError, wasOvertaken } from './ledger-error.js';

const thrown = (code?: string): Error => Object.assign(new Error('what pg threw'), code === undefined ? {} : { code });

describe('what the ledger threw', () => {
  it.each([
    ['SLF01', 'fenced'],
    ['SLC01', 'conflict'],
    ['SLN01', 'not-found'],
    ['SLA01', 'ca-unknown'],
    ['SLP01', 'profile-unknown'],
    ['SLX01', 'forbidden'],
    ['SLT01', 'internal'],
  ])('%s of our own verbs is %s', (state, code) => {
    const cause = thrown(state);
    expect(ledgerError(cause, true)).toMatchObject({ code, message: 'what pg threw', cause });
  });

  it.each(['ECONNREFUSED', 'ETIMEDOUT', 'ECONNRESET', '57P03', '28P01', undefined])(
    'before anything was sent, %s means that nothing was stored',
    (code) => {
      expect(ledgerError(thrown(code), false).code).toBe('unavailable');
    },
  );

  it.each([
    ['a lock timeout', '55P03'],
    ['a deadlock', '40P01'],
    ['a serialization failure', '40001'],
    ['a cancelled statement', '57014'],
    ['too many connections', '53300'],
    ['a full disk', '53100'],
    ['no memory', '53200'],
    ['a server that starts', '57P03'],
    ['a standby', '25006'],
  ])('%s (%s) means that nothing was stored', (_, state) => {
    expect(ledgerError(thrown(state), true).code).toBe('unavailable');
  });

  it.each([
    ['PANIC', '53100'],
    ['PANIC', '58030'],
    ['FATAL', '57014'],
    ['FATAL', '42501'],
    ['PANIK', '53100'],
  ])('but not in a %s (%s): it may have committed before it gave up', (severity, state) => {
    expect(ledgerError(Object.assign(thrown(state), { severity }), true).code).toBe('outcome-unknown');
    expect(ledgerError(Object.assign(thrown(state), { severity }), false).code).toBe('unavailable');
  });

  it.each([
    ['a connection that was reset', 'ECONNRESET'],
    ['a broken pipe', 'EPIPE'],
    ['a socket that is closed', 'EBADF'],
    ['a time-out of the wire', 'ETIMEDOUT'],
    ['a time-out of our own', undefined],
    ['a backend that was terminated', '57P01'],
    ['a crash of the server', '57P02'],
    ['a connection failure', '08006'],
    ['a disk that does not write', '58030'],
    ['an internal error', 'XX000'],
  ])('%s (%s) says nothing about the commit', (_, code) => {
    expect(ledgerError(thrown(code), true).code).toBe('outcome-unknown');
  });

  it.each(['22021', '23505', '23514', '42501', '42883', '54000'])(
    '%s is a fault of ours, and nothing was stored',
    (state) => {
      expect(ledgerError(thrown(state), true).code).toBe('internal');
    },
  );

  it('is left as it is when it is ours already, and never lost when it is not even an error', () => {
    const ours = new SluiceError('fenced');
    expect(ledgerError(ours, true)).toBe(ours);
    expect(ledgerError('text', true)).toMatchObject({ code: 'outcome-unknown', cause: 'text' });
  });
});

describe('the fault of one row', () => {
  it.each(['21000', '22021', '22P02', '23505', '23514', '54000', 'SLT01'])('%s is', (state) => {
    expect(isFaultOfOneRow(ledgerError(thrown(state), true))).toBe(true);
  });
  it.each(['42501', '55P03', '40P01', 'SLF01', 'SLC01', 'XX000', 'ECONNRESET'])('%s is not', (state) => {
    expect(isFaultOfOneRow(ledgerError(thrown(state), true))).toBe(false);
  });
});

it('a row was overtaken by a new partition when its check has no name', () => {
  expect(wasOvertaken(thrown('23514'))).toBe(true);
  expect(wasOvertaken(Object.assign(thrown('23514'), { constraint: 'work_state_check' }))).toBe(false);
  expect(wasOvertaken(thrown('23505'))).toBe(false);
});
