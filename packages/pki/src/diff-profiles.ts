import type { ProfileDocument } from './types.js';

/** One place where two profile documents differ: RFC 6901 pointer, and what stands there; `undefined` is "nothing". */
export interface ProfileChange {
  readonly pointer: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * What changes from one document to the other, in the order of the pointers; empty when they mean the same. Lists are
 * told whole, since their order goes into certificates. Pure.
 */
export function diffProfiles(before: ProfileDocument, after: ProfileDocument): ProfileChange[] {
  return changes('', before, after);
}

function changes(pointer: string, before: unknown, after: unknown): ProfileChange[] {
  if (isRecord(before) && isRecord(after)) {
    const members = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return members.flatMap((member) => {
      const step = member.replaceAll('~', '~0').replaceAll('/', '~1');
      return changes(`${pointer}/${step}`, before[member], after[member]);
    });
  }
  return sameValue(before, after) ? [] : [{ pointer, before, after }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameValue(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((value, index) => sameValue(value, right[index]));
  }
  if (isRecord(left) && isRecord(right)) return changes('', left, right).length === 0;
  return left === right;
}
