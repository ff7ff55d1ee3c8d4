import { type Code, codes } from '@sluice/errors';
import type { z } from 'zod';
import { retryAfterS } from '../retry-after.js';
import { exampleProblem, examples } from './examples.js';
import { jsonSchemas, schemaReference } from './json-schemas.js';
import type {
  JsonSchema,
  OpenApi,
  OpenApiBody,
  OpenApiContent,
  OpenApiHeader,
  OpenApiOperation,
  OpenApiResponse,
} from './open-api-types.js';
import { codesByStatus, type HeaderName, type OperationFacts, operations, type SuccessFacts } from './operations.js';
import { parameters } from './parameters.js';
import { problemSchema } from './schemas.js';

const introduction = `Certificates for subscribers, asked for synchronously. Every answer that is not what was asked for is a problem (RFC 9457, \`application/problem+json\`) with a stable \`code\`, what to do next and, where a request is concerned, its \`fate\`.

A client that wants to be sure sends an \`Idempotency-Key\` with each order, and repeats an order that got no answer, or one with the fate \`unknown\`, with the same key.

Bodies are JSON in UTF-8, of at most 64 kB, 16 levels and 1000 values; headers are at most 100 and 16 kB together. What is sent too slowly is ended.`;

/** OpenAPI 3.1, made from the table of operations and the schemas that check what comes in. */
export function createOpenApi(): OpenApi {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation) };
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Sluice', version: '1', description: introduction },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Identities', description: 'Certificates: asked for, looked at, cancelled.' },
      { name: 'Profiles', description: 'What may be asked for.' },
      { name: 'This description', description: 'What you are reading, and what each code means.' },
    ],
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'slk_ and 43 characters',
          description: 'The API key of an account: `Authorization: Bearer slk_…`. An operator hands it out, once.',
        },
      },
      schemas: jsonSchemas(),
      parameters,
      headers: Object.fromEntries(
        (Object.keys(headerNotes) as HeaderName[]).map((name) => [name, header(name, false)] as const),
      ),
      responses: {
        NoSuchAddress: problems(404, ['not-found'], []),
        NoSuchMethod: problems(405, ['method-not-allowed'], ['Allow']),
      },
    },
  };
}

function operationOf(facts: OperationFacts): OpenApiOperation {
  const { id, group, summary, description, secured, body } = facts;
  const responses: Record<string, OpenApiResponse> = {};
  for (const success of facts.successes) responses[success.status] = successOf(success);
  for (const [status, of] of codesByStatus(facts.codes)) {
    responses[status] = problems(status, of, facts.problemHeaders);
  }
  return {
    operationId: id,
    tags: [group],
    summary,
    description,
    security: secured ? [{ apiKey: [] }] : [],
    parameters: facts.parameters.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true as const, content: { 'application/json': oneOf([body]) } } }),
    responses,
  };
}

function successOf({ description, required, optional, content }: SuccessFacts): OpenApiResponse {
  const bodies: Record<string, OpenApiBody> = {};
  for (const [mediaType, schemas] of Object.entries(content)) {
    if (schemas.length > 0) bodies[mediaType] = oneOf(schemas);
    else bodies[mediaType] = { schema: { type: mediaType === 'text/html' ? 'string' : 'object' } };
  }
  return { description, headers: headersOf(['X-Request-Id', ...required], optional), content: bodies };
}

function oneOf(schemas: readonly z.ZodType[]): OpenApiBody {
  const references = schemas.map(schemaReference);
  const shown: Record<string, { value: unknown }> = {};
  for (const schema of schemas) {
    const value = examples.get(schema);
    if (value !== undefined) shown[schema.meta()?.id ?? ''] = { value };
  }
  const [only] = references;
  const schema: JsonSchema = references.length === 1 && only !== undefined ? only : { anyOf: references };
  return { schema, ...(Object.keys(shown).length > 0 ? { examples: shown } : {}) };
}

/** All problems of one status: the schema says which codes there are. */
function problems(status: number, of: readonly Code[], optional: readonly HeaderName[]): OpenApiResponse {
  const { required, location } = headersOfProblem(status, of);
  const others = optional.filter((name) => name !== 'Location' || location);
  const allowed = optional.includes('Allow') ? ['Allow' as const] : [];
  const content: OpenApiContent = {
    'application/problem+json': {
      schema: {
        allOf: [schemaReference(problemSchema), { properties: { status: { const: status }, code: { enum: of } } }],
      },
      examples: Object.fromEntries(of.map((code) => [code, { value: exampleProblem(code) }])),
    },
  };
  return {
    description: of.map((code) => `\`${code}\`: ${codes[code].title}.`).join('\n\n'),
    headers: headersOf(['X-Request-Id', ...required, ...allowed], others),
    content,
  };
}

function headersOfProblem(status: number, of: readonly Code[]): { required: HeaderName[]; location: boolean } {
  const required: HeaderName[] = [];
  if (of.every((code) => retryAfterS(code, () => 0) !== undefined)) required.push('Retry-After');
  if (status === 401) required.push('WWW-Authenticate');
  if (status === 429) required.push('RateLimit', 'RateLimit-Policy');
  // Only what goes on, or may have been stored, has a place to be looked at.
  return { required, location: status >= 500 };
}

function headersOf(required: readonly HeaderName[], optional: readonly HeaderName[]): Record<string, OpenApiHeader> {
  const all: Record<string, OpenApiHeader> = {};
  for (const name of optional) all[name] = header(name, false);
  for (const name of required) all[name] = header(name, true);
  return all;
}

const headerNotes: Readonly<Record<HeaderName, Pick<OpenApiHeader, 'description' | 'schema'>>> = {
  'X-Request-Id': {
    description: 'The id of this call in our log: yours, when you sent one that can be used.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$' },
  },
  Location: {
    description: 'Where the request is looked at and cancelled.',
    schema: { type: 'string', pattern: '^/identity/[0-9a-f-]{36}$' },
  },
  'Retry-After': {
    description: 'After so many seconds it makes sense to ask again (RFC 9110 10.2.3).',
    schema: { type: 'string', pattern: '^[0-9]{1,5}$' },
  },
  RateLimit: {
    description:
      'Which limit is reached, and after how many seconds more may be asked for (draft-ietf-httpapi-ratelimit-headers).',
    schema: { type: 'string', pattern: '^"(orders|day)";r=0;t=[0-9]{1,5}$' },
  },
  'RateLimit-Policy': {
    description: 'That limit: so many orders (`q`) in so many seconds (`w`), counted from the first of them.',
    schema: { type: 'string', pattern: '^"(orders|day)";q=[0-9]{1,10};w=[0-9]{1,7}$' },
  },
  'Preference-Applied': {
    description: 'What of `Prefer` was followed (RFC 7240).',
    schema: { type: 'string', pattern: '^(respond-async|wait=[0-6]|respond-async, wait=[0-6])$' },
  },
  'WWW-Authenticate': { description: 'How to authenticate.', schema: { type: 'string', enum: ['Bearer'] } },
  Allow: { description: 'The methods of this address.', schema: { type: 'string' } },
};

function header(name: HeaderName, required: boolean): OpenApiHeader {
  return { ...headerNotes[name], required };
}
