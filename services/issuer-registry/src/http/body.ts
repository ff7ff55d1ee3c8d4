import { type JsonFault, jsonFault, SluiceError } from '@sluice/errors';
import express, { type Request, type RequestHandler } from 'express';
import type { z } from 'zod';

const lengthMax = '64kb';

/** Takes the bytes as sent, up to 64 kB: the token is bound to them. Compressed bodies are refused, not inflated. */
export function takeBytes(): RequestHandler {
  return express.raw({ type: () => true, limit: lengthMax, inflate: false });
}

export function bodyBytes(request: Request): Uint8Array {
  const body: unknown = request.body;
  return body instanceof Uint8Array ? body : new Uint8Array();
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The body by its schema. Throws `media-type` for anything but JSON, `body-invalid` with every finding at once. */
export function parseBody<S extends z.ZodType>(request: Request, schema: S): z.infer<S> {
  if (request.is('application/json') === false) throw new SluiceError('media-type');
  let json: unknown;
  let fault: JsonFault | undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bodyBytes(request));
    fault = jsonFault(text);
    json = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError('body-invalid', 'The body is not JSON in UTF-8', { cause, facts: { pointer: '' } });
  }
  if (fault !== undefined) throw refused([{ ...fault, code: 'body-invalid' }]);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const findings = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: pointerOf([...issue.path, key]),
          code: 'body-invalid',
          detail: 'is not a member',
        }))
      : [{ pointer: pointerOf(issue.path), code: 'body-invalid', detail: issue.message }],
  );
  throw refused(findings);
}

function refused(findings: readonly { pointer: string; code: string; detail: string }[]): SluiceError {
  const [first] = findings;
  return new SluiceError('body-invalid', `${first?.pointer || 'The body'}: ${first?.detail}`, {
    facts: { pointer: first?.pointer ?? '', findings },
  });
}
