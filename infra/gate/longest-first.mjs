// vitest sequencer: the files that take longest begin first, so that none of them runs alone at the end. By default it
// goes by what the last run took, which a fresh clone does not know, and then by size.
import { BaseSequencer } from 'vitest/node';

/** Parts of paths, the longest first; every other file comes after them. */
const longest = [
  'test/inputs/',
  'test/replay/',
  'test/crash/',
  'test/flood/',
  'test/incident/',
  'test/integration/one-',
  'test/integration/',
  'test/',
  'packages/local-stack/',
];

function rank({ moduleId }) {
  const found = longest.findIndex((part) => moduleId.includes(part));
  return found === -1 ? longest.length : found;
}

export default class LongestFirst extends BaseSequencer {
  /** @param {import('vitest/node').TestSpecification[]} files */
  async sort(files) {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}
