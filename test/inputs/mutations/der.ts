import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import { csrInfo, signCsr } from '../subject-keys.js';
import { tlv } from '../tlv.js';
import type { ValidOrder } from '../valid-orders.js';
import { type Mutated, mutated } from './mutated.js';
import { anyOctetChange } from './octets.js';

const emptyName = tlv(0x30);
const noAttributes = Buffer.from('a000', 'hex');

const deep = nested(2000);
const strangersRequest = requestOfAnother();

/** What is done to a CSR as DER; some of it under a signature that is right. */
export function mutatedDer(from: ValidOrder): fc.Arbitrary<Mutated> {
  const { der, key, signing } = from.csr;
  const send = (what: string, changed: Uint8Array): Mutated =>
    mutated('der', what, from, { ...from.order, csr: Buffer.from(changed).toString('base64') });
  const signed = (what: string, changed: Uint8Array): Mutated =>
    send(`${what}, signed`, signCsr(changed, key.key, signing));
  const info = csrInfo(key.spki, emptyName, noAttributes);
  const octet = fc.tuple(fc.constantFrom(...headersOf(der)), fc.integer({ min: 0, max: 255 }));
  const put = (at: number, value: number): Uint8Array =>
    Buffer.concat([der.subarray(0, at), Buffer.of(value), der.subarray(at + 1)]);
  return fc.oneof(
    { weight: 4, arbitrary: anyOctetChange(der).map(({ what, octets }) => send(what, octets)) },
    { weight: 3, arbitrary: octet.map(([{ at }, length]) => send(`length ${length} at ${at}`, put(at + 1, length))) },
    { weight: 1, arbitrary: octet.map(([{ at }, tag]) => send(`tag ${tag} at ${at}`, put(at, tag))) },
    { weight: 1, arbitrary: fc.constantFrom(...wholeChanges(der)).map(([what, changed]) => send(what, changed)) },
    { weight: 1, arbitrary: fc.constantFrom(...infoChanges(key.spki)).map(([what, changed]) => signed(what, changed)) },
    { weight: 2, arbitrary: anyOctetChange(info).map(({ what, octets }) => signed(what, octets)) },
  );
}

type Changes = readonly (readonly [what: string, changed: Uint8Array])[];

/** Of a whole CSR: how it is wrapped. */
function wholeChanges(der: Buffer): Changes {
  const [outer, info] = headersOf(der);
  const content = der.subarray(outer?.contentAt);
  const [high, low] = [content.length >> 8, content.length & 0xff];
  return [
    ['an indefinite length', Buffer.concat([Buffer.of(0x30, 0x80), content, Buffer.of(0, 0)])],
    ['a length of five octets', Buffer.concat([Buffer.of(0x30, 0x85, 0, 0, 0, high, low), content])],
    ['a length beyond all', Buffer.concat([Buffer.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), content])],
    ['itself inside', tlv(0x30, der)],
    ['a SEQUENCE in a SEQUENCE, and so on', deep],
    ['its info only', der.subarray(info?.at)],
    ['a fourth member', tlv(0x30, content, Buffer.of(5, 0))],
    ['somebody else behind its key', strangersRequest],
  ];
}

/** Of what is signed, before it is. */
function infoChanges(spki: Buffer): Changes {
  const members = [Buffer.from('020100', 'hex'), emptyName, spki, noAttributes];
  const longer = tlv(0x30, spki.subarray(headersOf(spki)[0]?.contentAt), Buffer.of(5, 0));
  return [
    ['version 2', tlv(0x30, Buffer.from('020101', 'hex'), ...members.slice(1))],
    ['no attributes at all', tlv(0x30, ...members.slice(0, 3))],
    ['attributes twice', tlv(0x30, ...members, noAttributes)],
    ['a name that is a text', csrInfo(spki, tlv(0x0c, Buffer.from('CN=x')), noAttributes)],
    ['an attribute that is none', csrInfo(spki, emptyName, tlv(0xa0, Buffer.of(5, 0)))],
    ['no key', tlv(0x30, ...members.filter((member) => member !== spki))],
    ['a key with something behind it', csrInfo(longer, emptyName, noAttributes)],
  ];
}

/** Where each element begins, and its content. */
function headersOf(der: Uint8Array, start = 0, end = der.length): { at: number; contentAt: number }[] {
  const found: { at: number; contentAt: number }[] = [];
  for (let at = start; at + 1 < end; ) {
    const first = der[at + 1] ?? 0;
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const size = octets === 0 ? first : Buffer.from(der).readUIntBE(at + 2, octets);
    const contentAt = at + 2 + octets;
    found.push({ at, contentAt });
    if (((der[at] ?? 0) & 0x20) !== 0) found.push(...headersOf(der, contentAt, contentAt + size));
    at = contentAt + size;
  }
  return found;
}

function nested(depth: number): Buffer {
  let inner: Buffer = Buffer.of(5, 0);
  for (let level = 0; level < depth; level += 1) inner = tlv(0x30, inner);
  return inner;
}

/** A request for one key, signed by another. */
function requestOfAnother(): Buffer {
  const [one, other] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const spki = one?.publicKey.export({ type: 'spki', format: 'der' }) ?? Buffer.of();
  const info = csrInfo(spki, emptyName, noAttributes);
  return signCsr(info, other?.privateKey as KeyObject, {
    ...{ name: 'ECDSA sha256', digest: 'sha256', options: {} },
    algorithm: tlv(0x30, Buffer.from('06082a8648ce3d040302', 'hex')),
  });
}
