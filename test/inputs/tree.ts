import * as asn1js from 'asn1js';
import { tlv } from './tlv.js';

/**
 * A DER value as asn1js reads it, which shares no code with what writes certificates here: its type, and its elements,
 * or its text, or for what is neither the content in hex.
 */
export type Tree = readonly [type: string, content: string | readonly Tree[]];

const texts: Readonly<Record<number, string>> = {
  6: 'OBJECT IDENTIFIER',
  12: 'UTF8String',
  19: 'PrintableString',
  22: 'IA5String',
};
const others: Readonly<Record<number, string>> = {
  1: 'BOOLEAN',
  2: 'INTEGER',
  3: 'BIT STRING',
  4: 'OCTET STRING',
  5: 'NULL',
  16: 'SEQUENCE',
  17: 'SET',
  23: 'UTCTime',
  24: 'GeneralizedTime',
};

/** The one value that `bytes` hold. Throws for anything that is not DER to the octet, or that something follows. */
export function readTree(bytes: Uint8Array): Tree {
  const { result, offset } = asn1js.fromBER(new Uint8Array(bytes).buffer);
  if (offset !== bytes.length || !written(result).equals(bytes)) throw new Error('this is not one value in DER');
  return treeOf(result);
}

function treeOf(block: asn1js.BaseBlock): Tree {
  const { tagClass, tagNumber, isConstructed } = block.idBlock;
  const context = tagClass === 3 ? `[${tagNumber}]` : undefined;
  if (isConstructed) return [context ?? others[tagNumber] ?? `tag ${tagNumber}`, elementsOf(block).map(treeOf)];
  if (context === undefined && texts[tagNumber] !== undefined) {
    return [texts[tagNumber], (block as asn1js.Utf8String).getValue()];
  }
  return [context ?? others[tagNumber] ?? `tag ${tagNumber}`, contentOf(block).toString('hex')];
}

/** The same in the shortest lengths, which are the only ones of DER. */
function written(block: asn1js.BaseBlock): Buffer {
  const { tagClass, tagNumber, isConstructed } = block.idBlock;
  const tag = ((tagClass - 1) << 6) | (isConstructed ? 0x20 : 0) | tagNumber;
  return isConstructed ? tlv(tag, ...elementsOf(block).map(written)) : tlv(tag, contentOf(block));
}

function elementsOf(block: asn1js.BaseBlock): readonly asn1js.BaseBlock[] {
  return (block as asn1js.Constructed).valueBlock.value;
}

function contentOf(block: asn1js.BaseBlock): Buffer {
  const whole = block.valueBeforeDecodeView;
  return Buffer.from(whole.subarray(block.idBlock.blockLength + block.lenBlock.blockLength));
}

/** The element at this path of positions. Throws when there is none. */
export function at(tree: Tree, ...path: readonly number[]): Tree {
  return path.reduce((reached, index) => {
    const element = typeof reached[1] === 'string' ? undefined : reached[1][index];
    if (element === undefined) throw new Error(`nothing at ${path.join('.')}`);
    return element;
  }, tree);
}
