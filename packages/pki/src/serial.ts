import { SluiceError } from '@sluice/errors';

/** Octets of randomness that `makeSerial` takes. */
export const serialRandomBytes = 13;

const dayMs = 86_400_000;

/**
 * A serial number: 16 octets, the content of a positive DER INTEGER. Three octets carry 0x400000 + the day since 1970,
 * so that the serials of a day lie side by side in the index (with 10⁸ rows, random pages cost) and the first octet
 * is neither zero nor has its top bit set; 13 random octets follow (104 bits, T1).
 * `random` comes from a CSPRNG and is used once.
 */
export function makeSerial(now: Date, random: Uint8Array): Uint8Array {
  if (random.length !== serialRandomBytes) throw new SluiceError('internal', 'a serial takes 13 random octets');
  const day = Math.floor(now.getTime() / dayMs);
  if (!(day >= 0 && day < 0x3fffff)) throw new SluiceError('internal', 'a serial cannot carry this day');
  const serial = new Uint8Array(3 + serialRandomBytes);
  serial[0] = 0x40 | (day >> 16);
  serial[1] = (day >> 8) & 0xff;
  serial[2] = day & 0xff;
  serial.set(random, 3);
  return serial;
}
