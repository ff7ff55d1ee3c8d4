import { codes } from '@sluice/errors';
import type { OpenApiParameter } from './open-api-types.js';
import type { ParameterName } from './operations.js';

/** What stands in paths and headers of requests. */
export const parameters: Readonly<Record<ParameterName, OpenApiParameter>> = {
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Stands for this order, for 72 hours: asked again with it, you join the same request, and never get a second certificate. The same key with another body is `payload-mismatch`. After an order has expired, the same key begins it anew.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]+$' },
    example: '9d2f0f4e-6f0e-4c2b-8f43-5a5f6d1c2b3a',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    required: false,
    description:
      '`wait=N`: wait at most N seconds (default and maximum 6). `respond-async`, or `wait=0`: do not wait at all, but get 202 and a Location. Both: wait N seconds, then 202 (RFC 7240).',
    schema: { type: 'string' },
    example: 'wait=3',
  },
  'X-Request-Id': {
    name: 'X-Request-Id',
    in: 'header',
    required: false,
    description:
      'Your own id of this call, 8 to 64 letters, digits, dots, hyphens and underscores; it comes back, and stands in our log. Another is replaced by one of ours.',
    schema: { type: 'string' },
    example: 'order-4711.try-1',
  },
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'The id of the request, from its answer or its Location.',
    schema: { type: 'string', format: 'uuid' },
    example: '01a1fcb2-67cd-7ead-8c7b-b8de6e1fc1dd',
  },
  name: {
    name: 'name',
    in: 'path',
    required: true,
    description: 'The name of the profile.',
    schema: { type: 'string' },
    example: 'tls-client',
  },
  code: {
    name: 'code',
    in: 'path',
    required: true,
    description: 'The code of a problem.',
    schema: { type: 'string', enum: Object.keys(codes) },
    example: 'lane-full',
  },
};
