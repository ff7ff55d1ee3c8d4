import type { CertificateView } from '../certificate-view.js';
import { type Der, type DerNode, derTags } from '../der.js';
import { generalNames, nameTags, readUri } from '../general-names.js';
import { oid } from '../object-identifiers.js';
import { fixedRule } from '../rule.js';
import type { LintRule } from '../types.js';

/** One DistributionPoint: [0] name, [1] reasons, [2] cRLIssuer. */
interface PointView {
  readonly name: DerNode | undefined;
  readonly reasons: boolean;
  readonly crlIssuer: boolean;
}

type PointsExtension = 'crlDistributionPoints' | 'freshestCrl';

/** The points; `undefined` when the extension is absent or holds something else. */
function pointsOf(certificate: CertificateView, extension: PointsExtension): PointView[] | undefined {
  const { der } = certificate;
  const points: PointView[] = [];
  const nodes = der.sequence(certificate.valueOf(extension));
  for (const node of nodes ?? []) {
    const parts = der.sequence(node);
    if (parts === undefined) return undefined;
    let previous = -1;
    for (const { tag } of parts) {
      if ((tag !== 0xa0 && tag !== 0x81 && tag !== 0xa2) || (tag & 0x1f) <= previous) return undefined;
      previous = tag & 0x1f;
    }
    const name = parts.find(({ tag }) => tag === 0xa0);
    if (name !== undefined && der.children(name).length !== 1) return undefined;
    points.push({
      name: name && der.children(name)[0],
      reasons: parts.some(({ tag }) => tag === 0x81),
      crlIssuer: parts.some(({ tag }) => tag === 0xa2),
    });
  }
  return nodes && points;
}

/** Plain http: whoever checks a certificate to make a TLS connection must not need another one (RFC 5280 8). */
function isHttp(der: Der, name: DerNode): boolean {
  const uri = name.tag === nameTags.uri ? readUri(der.bytes, name.content, name.end) : undefined;
  return uri?.scheme === 'http' && uri.host !== undefined;
}

function pointRules(extension: PointsExtension, prefix: string, source: string): LintRule[] {
  const pointer = `extensions.${extension}`;
  const each = (name: string, ruleSource: string, fault: (der: Der, point: PointView) => string | undefined) =>
    fixedRule(`${prefix}-${name}`, ruleSource, pointer, (certificate, _context, report) => {
      pointsOf(certificate, extension)?.forEach((point, index) => {
        const detail = fault(certificate.der, point);
        if (detail !== undefined) report(detail, `${pointer}.${index}`);
      });
    });
  return [
    fixedRule(`${prefix}-syntax`, source, pointer, (certificate, _context, report) => {
      if (certificate.valueOf(extension) === undefined) return;
      const points = pointsOf(certificate, extension);
      if (points === undefined) report('is not a SEQUENCE of DistributionPoints');
      else if (points.length === 0) report('must hold one point at least');
    }),
    each('not-reasons-only', source, (_der, { name, crlIssuer }) =>
      name === undefined && !crlIssuer ? 'must have a name or a cRLIssuer' : undefined,
    ),
    each('full-name', source, (_der, { name }) =>
      name !== undefined && name.tag !== 0xa0 ? 'must have a fullName, not one relative to the issuer' : undefined,
    ),
    each('http', 'BR 7.1.2.11.2', (der, { name }) => {
      if (name?.tag !== 0xa0) return undefined;
      const names = generalNames(der, name) ?? [];
      const allHttp = names.length > 0 && names.every((one) => isHttp(der, one));
      return allHttp ? undefined : 'must be named by absolute http: URIs';
    }),
    each('all-reasons', 'BR 7.1.2.11.2', (_der, { name, reasons }) =>
      reasons && name !== undefined ? 'must not hold reasons: one list tells all of them' : undefined,
    ),
    each('no-crl-issuer', 'BR 7.1.2.11.2', (_der, { name, crlIssuer }) =>
      crlIssuer && name !== undefined ? 'must not name another issuer of CRLs' : undefined,
    ),
  ];
}

const methods = {
  ocsp: oid('2b06010505073001'),
  caIssuers: oid('2b06010505073002'),
  timeStamping: oid('2b06010505073003'),
  caRepository: oid('2b06010505073005'),
} as const;

type AccessExtension = 'authorityInfoAccess' | 'subjectInfoAccess';

interface AccessView {
  readonly method: DerNode;
  readonly location: DerNode;
}

function accessesOf(certificate: CertificateView, extension: AccessExtension): AccessView[] | undefined {
  const { der } = certificate;
  const nodes = der.sequence(certificate.valueOf(extension));
  const accesses: AccessView[] = [];
  for (const node of nodes ?? []) {
    const [method, location, more] = der.sequence(node) ?? [];
    if (method?.tag !== derTags.oid || location === undefined || more !== undefined) return undefined;
    if (location.tag < 0x80) return undefined;
    accesses.push({ method, location });
  }
  return nodes && accesses;
}

/** Does authorityInfoAccess name an OCSP responder? */
export function hasOcspPointer(certificate: CertificateView): boolean {
  const accesses = accessesOf(certificate, 'authorityInfoAccess') ?? [];
  return accesses.some(({ method }) => certificate.der.contentIs(method, methods.ocsp));
}

function accessRules(
  extension: AccessExtension,
  prefix: string,
  source: string,
  known: readonly Uint8Array[],
): LintRule[] {
  const pointer = `extensions.${extension}`;
  return [
    fixedRule(`${prefix}-syntax`, source, pointer, (certificate, _context, report) => {
      if (certificate.valueOf(extension) === undefined) return;
      const accesses = accessesOf(certificate, extension);
      if (accesses === undefined) report('is not a SEQUENCE of AccessDescriptions');
      else if (accesses.length === 0) report('must hold one access at least');
    }),
    fixedRule(
      `${prefix}-method`,
      source,
      pointer,
      (certificate, _context, report) => {
        accessesOf(certificate, extension)?.forEach(({ method }, index) => {
          if (!known.some((octets) => certificate.der.contentIs(method, octets))) {
            report('has a method that the specification does not define', `${pointer}.${index}`);
          }
        });
      },
      { severity: 'warning' },
    ),
    fixedRule(`${prefix}-http`, source, pointer, (certificate, _context, report) => {
      accessesOf(certificate, extension)?.forEach(({ location }, index) => {
        if (!isHttp(certificate.der, location)) report('must be an absolute http: URI', `${pointer}.${index}`);
      });
    }),
  ];
}

export const distributionRules: readonly LintRule[] = [
  ...pointRules('crlDistributionPoints', 'crl-distribution-points', 'RFC 5280 4.2.1.13'),
  ...pointRules('freshestCrl', 'freshest-crl', 'RFC 5280 4.2.1.15'),
  ...accessRules('authorityInfoAccess', 'authority-info-access', 'RFC 5280 4.2.2.1', [methods.ocsp, methods.caIssuers]),
  ...accessRules('subjectInfoAccess', 'subject-info-access', 'RFC 5280 4.2.2.2', [
    methods.caRepository,
    methods.timeStamping,
  ]),
];
