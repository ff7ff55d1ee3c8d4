import { Ajv2020 } from 'ajv/dist/2020.js';

/** One HTTP exchange, as far as the description speaks of it. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface DescriptionChecker {
  /** What of an answer the document does not say; empty when it says everything. */
  faultsOf(exchange: Exchange): string[];
  /** `operationId status` of each answer so far that was compared. */
  readonly seen: ReadonlySet<string>;
}

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Described {
  readonly headers: Readonly<Record<string, { readonly required: boolean; readonly schema: object }>>;
  readonly content: Readonly<Record<string, unknown>>;
}
/** The parts of OpenAPI that are read here. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly responses?: Readonly<Record<string, unknown>>;
  };
}

/** Of HTTP itself, and of security in general: no description speaks of them. */
const plumbing = new Set([
  ...['cross-origin-opener-policy', 'origin-agent-cluster', 'referrer-policy', 'x-dns-prefetch-control'],
  ...['x-download-options', 'x-frame-options', 'x-permitted-cross-domain-policies', 'x-xss-protection'],
  ...['date', 'connection', 'keep-alive', 'content-length', 'content-type', 'cache-control', 'vary'],
  ...['content-security-policy', 'cross-origin-resource-policy', 'strict-transport-security', 'x-content-type-options'],
]);

/**
 * Compares answers with an OpenAPI document, with nothing of the service's own: status, media type, headers and body.
 * Bodies are taken at their word: a member that is not described is a fault, although clients are told to expect some.
 */
export function createDescriptionChecker(document: Document): DescriptionChecker {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ ...(closed(document) as object), $id: 'description' });
  const seen = new Set<string>();

  function at(method: string, path: string): { pointer: string; operation: Operation } | undefined {
    for (const [template, item] of Object.entries(document.paths)) {
      const operation = item[method.toLowerCase()];
      const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);
      if (operation !== undefined && pattern.test(path)) {
        return { pointer: `/paths/${escaped(template)}/${method.toLowerCase()}/responses`, operation };
      }
    }
    return undefined;
  }

  function bodyFaults(pointer: string, mediaType: string, text: string): string[] {
    if (mediaType === 'text/html') return [];
    const validate = ajv.getSchema(`description#${pointer}/content/${escaped(mediaType)}/schema`);
    if (validate === undefined) return [`no schema at ${pointer}`];
    if (validate(JSON.parse(text))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `body${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  return {
    seen,
    faultsOf({ method, path, status, headers, body }) {
      const found = at(method, path);
      const elsewhere = { 404: 'NoSuchAddress', 405: 'NoSuchMethod' }[status];
      if (found === undefined && elsewhere === undefined) return [`${method} ${path} is not described`];
      const responses = found?.operation.responses ?? document.components.responses ?? {};
      const name = found === undefined ? (elsewhere ?? '') : describedStatus(responses, status);
      const pointer = `${found?.pointer ?? '/components/responses'}/${name}`;
      const response = responses[name];
      if (response === undefined) return [`${found?.operation.operationId}: ${status} is not described`];
      const described = response as Described;
      seen.add(`${found?.operation.operationId ?? 'elsewhere'} ${status}`);
      const mediaType = headers.get('content-type')?.split(';')[0] ?? '';
      if (!(mediaType in described.content)) return [`${mediaType || 'no media type'} is not described`];
      return [...headerFaults(ajv, described, headers), ...bodyFaults(pointer, mediaType, body)];
    },
  };
}

/** `404` when it stands there, `4XX` otherwise. */
function describedStatus(responses: Readonly<Record<string, unknown>>, status: number): string {
  return String(status) in responses ? String(status) : `${Math.floor(status / 100)}XX`;
}

function headerFaults(ajv: Ajv2020, { headers: described }: Described, headers: Headers): string[] {
  const faults: string[] = [];
  const known = new Map(Object.entries(described).map(([name, header]) => [name.toLowerCase(), header]));
  for (const [name, { required, schema }] of known) {
    const value = headers.get(name);
    if (value === null && required) faults.push(`header ${name} is missing`);
    if (value !== null && !ajv.validate(schema, value)) faults.push(`header ${name}: ${value} is not as described`);
  }
  for (const name of headers.keys()) {
    if (!known.has(name) && !plumbing.has(name)) faults.push(`header ${name} is not described`);
  }
  return faults;
}

function escaped(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** The document with every named body closed: "more members may come", but none has come that is not described. */
function closed(document: Document): Document {
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(close);
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, close(inner)]));
    return 'properties' in copy && 'type' in copy && !('additionalProperties' in copy)
      ? { ...copy, additionalProperties: false }
      : copy;
  };
  const schemas = close(document.components.schemas) as Record<string, object>;
  return { ...document, components: { ...document.components, schemas } };
}
