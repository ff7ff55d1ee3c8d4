import { type Der, type DerNode, derTags } from './der.js';
import { type AttributeType, attributeTypeOf, dottedOid } from './object-identifiers.js';

export interface AttributeView {
  /** `undefined` for a type that no rule here knows. */
  readonly type: AttributeType | undefined;
  readonly oid: DerNode;
  readonly value: DerNode;
  /** Does it share its RDN with another one? */
  readonly shared: boolean;
}

/** A Name taken apart: all attributes in order. */
export type NameView = readonly AttributeView[];

/** Takes a Name (RFC 5280 4.1.2.4) apart; `null` when it is none. An empty one has no attributes. */
export function readName(der: Der, name: DerNode): NameView | null {
  if (name.tag !== derTags.sequence) return null;
  const attributes: AttributeView[] = [];
  for (let at = name.content; at < name.end; ) {
    const rdn = der.node(at, name.end);
    if (rdn?.tag !== derTags.set || rdn.content === rdn.end) return null;
    for (let inner = rdn.content; inner < rdn.end; ) {
      const pair = der.node(inner, rdn.end);
      if (pair?.tag !== derTags.sequence) return null;
      const type = der.node(pair.content, pair.end);
      const value = type && der.node(type.end, pair.end);
      if (type?.tag !== derTags.oid || value === undefined || value.end !== pair.end) return null;
      const shared = inner !== rdn.content || pair.end !== rdn.end;
      attributes.push({ type: attributeTypeOf(der.bytes, type.content, type.end), oid: type, value, shared });
      inner = pair.end;
    }
    at = rdn.end;
  }
  return attributes;
}

/** Name of an attribute in pointers: as in the table, else dotted. */
export function attributeName(der: Der, { type, oid }: AttributeView): string {
  return type?.name ?? dottedOid(der.bytes, oid.content, oid.end);
}
