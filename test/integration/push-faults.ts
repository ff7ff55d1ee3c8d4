import { readFileSync } from 'node:fs';
import type { Alter, Member, System } from '@sluice/testkit';

/** What becomes of the frame of a change on its way; every other piece of the stream passes. */
interface PushFault {
  readonly what: string;
  /** False: the subscriber has nothing to find, as doubled frames are ignored. */
  readonly found: boolean;
  /** Changes of the registry that it takes. */
  readonly changes: number;
  readonly make: () => Alter;
}

const isChange = (piece: Buffer): boolean => piece.includes('"type":"change"');
/** The first change of a connection becomes this. */
const onFirst = (damage: (piece: Buffer) => readonly Buffer[]) => (): Alter => {
  let had = false;
  return (piece) => {
    if (had || !isChange(piece)) return [piece];
    had = true;
    return damage(piece);
  };
};

/** One octet of the value that follows is another, and the line is as long as before. */
function oneOctet(piece: Buffer, after: string): readonly Buffer[] {
  const altered = Buffer.from(piece);
  const at = altered.indexOf(after) + after.length;
  altered[at] = altered[at] === 0x78 ? 0x79 : 0x78;
  return [altered];
}

/** The first change arrives behind the second. */
function swapped(): Alter {
  let first: Buffer | undefined;
  let done = false;
  return (piece) => {
    if (done || !isChange(piece)) return [piece];
    if (first === undefined) {
      first = piece;
      return [];
    }
    done = true;
    return [piece, first];
  };
}

export const pushFaults: readonly PushFault[] = [
  {
    what: 'an octet of a name is another',
    found: true,
    changes: 1,
    make: onFirst((p) => oneOctet(p, '"name":"pushed-')),
  },
  {
    what: 'an octet of the JSON is another',
    found: true,
    changes: 1,
    make: onFirst((p) => oneOctet(p, '"type":"change"')),
  },
  { what: 'a frame is missing', found: true, changes: 1, make: onFirst(() => []) },
  { what: 'the first of two frames is missing', found: true, changes: 2, make: onFirst(() => []) },
  { what: 'two frames are in the wrong order', found: true, changes: 2, make: swapped },
  { what: 'a frame comes twice', found: false, changes: 1, make: onFirst((p) => [p, p]) },
  {
    what: 'octets in the middle of a frame are missing',
    found: true,
    changes: 1,
    make: onFirst((p) => [p.subarray(0, p.length >> 1), p.subarray((p.length >> 1) + 7)]),
  },
  { what: 'a frame ends in the middle', found: true, changes: 1, make: onFirst((p) => [p.subarray(0, p.length >> 1)]) },
];

/** When subscribers said in their logs that they found something, in milliseconds of the epoch, since that moment. */
export function findingsSince({ frontEnds, signers }: System, sinceMs: number): { name: string; atMs: number }[] {
  return [...frontEnds, ...signers].flatMap(({ name, logFile }: Member) =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => /"event":"(push-failed|registry-away)"/.test(line))
      .map((line) => ({ name, atMs: Date.parse((JSON.parse(line) as { time: string }).time) }))
      .filter(({ atMs }) => atMs >= sinceMs),
  );
}
