import * as fc from 'fast-check';

/** Something done to octets, whatever they mean. */
export function anyOctetChange(octets: Uint8Array): fc.Arbitrary<{ what: string; octets: Uint8Array }> {
  // The first ones hold the structure; the rest is mostly key and signature.
  const position = fc.oneof(fc.nat(octets.length - 1), fc.nat(Math.min(200, octets.length - 1)));
  const some = fc.uint8Array({ minLength: 1, maxLength: 8 });
  const splice = (at: number, removed: number, added: Uint8Array): Uint8Array =>
    Buffer.concat([octets.subarray(0, at), added, octets.subarray(at + removed)]);
  return fc.oneof(
    fc.tuple(position, fc.nat(7)).map(([at, bit]) => ({
      what: `bit ${bit} of octet ${at}`,
      octets: splice(at, 1, Uint8Array.of((octets[at] ?? 0) ^ (1 << bit))),
    })),
    fc.tuple(position, some).map(([at, added]) => ({ what: `octets put in at ${at}`, octets: splice(at, 0, added) })),
    fc.tuple(position, some).map(([at, added]) => ({
      what: `octets in place of others at ${at}`,
      octets: splice(at, added.length, added),
    })),
    fc.tuple(position, fc.integer({ min: 1, max: 40 })).map(([at, count]) => ({
      what: `${count} octets less at ${at}`,
      octets: splice(at, count, new Uint8Array()),
    })),
    position.map((at) => ({ what: `cut off at ${at}`, octets: octets.subarray(0, at) })),
    some.map((added) => ({ what: 'octets after its end', octets: splice(octets.length, 0, added) })),
  );
}
