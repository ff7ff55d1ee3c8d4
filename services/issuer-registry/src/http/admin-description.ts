import { z } from 'zod';
import type { AdminRoute } from './admin-route.js';

/** Where the description is served, without a token: it says nothing about anybody. */
export const adminDescriptionPath = '/admin/v1/openapi.json';

const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  what_to_do: z.string(),
  request_id: z.string(),
});

const introduction = `What operators do, from \`sluice\` or from programs of their own. Every call bears a token of its own: a JWT (EdDSA) signed with the operator's key, good for 30 s and for exactly this method, path and body (\`htm\`, \`htu\`, \`bh\`), and once for what is not a GET. A viewer may look; an operator may act, and propose what takes two; an approver may be the second of two.

With \`dry_run\` a call checks everything, says what would happen, and changes nothing. Everything that was changed is written down with who, what and why. An answer that is not what was asked for is a problem (RFC 9457) with a stable \`code\` and what to do next.`;

/** `:name` as OpenAPI writes it. */
const template = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');
/** Without the dialect, which is that of the whole document. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): { readonly properties?: object } {
  const { $schema: _, ...same } = z.toJSONSchema(schema, { io });
  return same as { readonly properties?: object };
}
const json = (schema: object): object => ({ 'application/json': { schema } });
const headers = {
  'x-request-id': { description: 'This call, in the log.', required: true, schema: { type: 'string' } },
};
const problems = (description: string, more: object = {}): object => ({
  description,
  headers: { ...headers, ...more },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

function operationOf({ method, path, summary, body, answer }: AdminRoute): object {
  const done = { description: 'Done', headers, content: json(schemaOf(answer, 'output')) };
  const bodySchema = body && schemaOf(body, 'input');
  const canBeTried = bodySchema?.properties !== undefined && 'dry_run' in bodySchema.properties;
  const tried = { 200: { ...done, description: 'A dry run: nothing was changed' } };
  return {
    operationId: `${method}${path.replace('/admin/v1', '').replaceAll(/[/:.-]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    description: `Takes the role ${method === 'get' ? 'viewer' : 'operator'}.`,
    security: [{ token: [] }],
    parameters: [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(bodySchema === undefined ? {} : { requestBody: { required: true, content: json(bodySchema) } }),
    responses: {
      ...(method === 'get' ? { 200: done } : { ...(canBeTried ? tried : {}), 201: done }),
      '4XX': problems('Refused; nothing was changed.'),
      '5XX': problems('The ledger or this registry is away; the code says whether something may have been changed.', {
        'retry-after': { description: 'With 503: seconds.', schema: { type: 'string', pattern: '^[0-9]{1,5}$' } },
      }),
    },
  };
}

const itself = {
  operationId: 'getDescription',
  summary: 'This description',
  description: 'Takes no token.',
  responses: { 200: { description: 'OpenAPI 3.1', headers, content: json({ type: 'object' }) } },
};

/** OpenAPI 3.1, made from the routes and from the schemas that check what comes in. */
export function createAdminDescription(routes: readonly AdminRoute[]): object {
  const paths: Record<string, Record<string, object>> = { [adminDescriptionPath]: { get: itself } };
  for (const route of routes) {
    const path = template(route.path);
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Sluice, for operators', version: '1', description: introduction },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Signed for this call alone.' },
      },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
  };
}
