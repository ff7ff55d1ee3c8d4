import { describe, expect, it } from 'vitest';
import { bigints, byteas, integers, jsons, texts, timestamps, uuids } from './binary-array.js';

// Goal: the octets are those PostgreSQL writes itself (array_send). Method: compared with what `select array_send(...)`
// gave for the same values on PostgreSQL 18; that the server reads them is shown by every test of the ledger's verbs.
describe('arrays in binary form', () => {
  it.each([
    ['no values', texts([]), '000000000000000000000019'],
    ['texts', texts(['a', null, 'é']), '00000001000000010000001900000003000000010000000161ffffffff00000002c3a9'],
    [
      'UUIDs',
      uuids(['0198c5a0-0000-7000-8000-0123456789ab']),
      '000000010000000000000b86000000010000000100000010' + '0198c5a0000070008000' + '0123456789ab',
    ],
    ['byte strings', byteas([Uint8Array.of(1, 255)]), '000000010000000000000011000000010000000100000002' + '01ff'],
    ['integers', integers([-1]), '000000010000000000000017000000010000000100000004' + 'ffffffff'],
    ['bigints', bigints([1n]), '000000010000000000000014000000010000000100000008' + '0000000000000001'],
    [
      'instants',
      timestamps([new Date('2000-01-01T00:00:00.001Z')]),
      '0000000100000000000004a0000000010000000100000008' + '00000000000003e8',
    ],
    ['JSON', jsons(['{}']), '000000010000000000000eda000000010000000100000003' + '017b7d'],
  ])('%s', (_, encoded, hex) => {
    expect(encoded.toString('hex')).toBe(hex);
  });

  it('sends what is no UUID as an element too long for one, which the server refuses', () => {
    const [good, bad] = [uuids(['0198c5a0-0000-7000-8000-0123456789ab']), uuids(['0198c5a0-0000-7000-8000-zz'])];
    expect(bad.length).toBe(good.length + 1);
  });
});
