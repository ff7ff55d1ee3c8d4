import type { z } from 'zod';
import { type OperationFacts, operations } from '../api/operations.js';
import { problemSchema } from '../api/schemas.js';

/**
 * What of an answer the description does not say, by the schemas themselves; empty when it says everything. Every answer
 * of every test of this service passes here. (The tests across processes compare with the document that is served.)
 */
export async function faultsOfAnswer(method: string, path: string, answer: Response): Promise<string[]> {
  const operation = operationAt(method, path);
  const mediaType = answer.headers.get('content-type')?.split(';')[0] ?? '';
  if (mediaType === 'application/problem+json') return faultsOfProblem(operation, await answer.clone().json());
  const success = operation?.successes.find(({ status }) => status === answer.status);
  if (success === undefined) return [`${answer.status} is not described`];
  const schemas = Object.entries(success.content).find(([described]) => described === mediaType)?.[1];
  if (schemas === undefined) return [`${mediaType} is not described`];
  if (schemas.length === 0) return [];
  const body: unknown = await answer.clone().json();
  return schemas.some((schema) => saysAll(schema, body))
    ? []
    : [`the body is not as described: ${JSON.stringify(body)}`];
}

function faultsOfProblem(operation: OperationFacts | undefined, body: unknown): string[] {
  const read = problemSchema.safeParse(body);
  if (!read.success) return [read.error.message];
  if (!saysAll(problemSchema, body)) return [`members that are not described: ${JSON.stringify(body)}`];
  const { code } = read.data;
  // What is no operation has no list of codes.
  if (operation === undefined) return ['not-found', 'method-not-allowed', 'id-invalid'].includes(code) ? [] : [code];
  return operation.codes.includes(code) ? [] : [`${code} is not described for ${operation.id}`];
}

/** Reading drops members that the schema does not have. */
function saysAll(schema: z.ZodType, body: unknown): boolean {
  const read = schema.safeParse(body);
  return read.success && sorted(read.data) === sorted(body);
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

function operationAt(method: string, path: string): OperationFacts | undefined {
  const segments = path.split('?')[0]?.split('/') ?? [];
  return operations.find((operation) => {
    const pattern = operation.path.split('/');
    return (
      operation.method.toUpperCase() === method &&
      pattern.length === segments.length &&
      pattern.every((segment, at) => (segment.startsWith('{') ? segments[at] !== '' : segment === segments[at]))
    );
  });
}
