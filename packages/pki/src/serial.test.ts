import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeSerial } from './serial.js';
import { refusal } from './sluice-error.test-support.js';

const bytes = fc.uint8Array({ minLength: 13, maxLength: 13 });
const dates = fc.date({ min: new Date('1970-01-01'), max: new Date('2999-01-01'), noInvalidDate: true });

it('is the content of a positive, minimal INTEGER of 16 octets that holds all random bits', () => {
  fc.assert(
    fc.property(dates, bytes, (now, random) => {
      const serial = makeSerial(now, random);
      expect(serial).toHaveLength(16);
      expect(serial[0]).toBeGreaterThan(0);
      expect(serial[0]).toBeLessThan(0x80);
      expect(serial.subarray(3)).toEqual(random);
    }),
  );
});

it('grows with the day, whatever the random bits are, and shares its beginning within a day', () => {
  fc.assert(
    fc.property(dates, dates, bytes, bytes, (a, b, left, right) => {
      const days = [a, b].map((date) => Math.floor(date.getTime() / 86_400_000));
      const order = Buffer.compare(makeSerial(a, left).subarray(0, 3), makeSerial(b, right).subarray(0, 3));
      expect(order).toBe(Math.sign((days[0] ?? 0) - (days[1] ?? 0)));
    }),
  );
});

it('takes neither fewer nor more random octets, nor a day it cannot carry', () => {
  refusal(() => makeSerial(new Date(), new Uint8Array(12)), 'internal');
  refusal(() => makeSerial(new Date(), new Uint8Array(14)), 'internal');
  refusal(() => makeSerial(new Date(-1), new Uint8Array(13)), 'internal');
  refusal(() => makeSerial(new Date(Number.NaN), new Uint8Array(13)), 'internal');
});
