import type { IncomingMessage } from 'node:http';
import { jsonFault, SluiceError } from '@sluice/errors';
import type { HungUp } from './answer.js';
import { refusedFor } from './findings.js';

/** Octets of a request body. */
export const bodyBytesMax = 65_536;

const jsonMediaType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The body as JSON, of whatever shape. Throws `media-type`, `body-too-large` (also before the end of a long body) or
 * `body-invalid`. Slow bodies are ended by the server's request timeout.
 */
export async function readJsonBody(request: IncomingMessage): Promise<{ json: unknown } | HungUp> {
  const { 'content-type': contentType, 'content-encoding': encoding } = request.headers;
  if (contentType === undefined || !jsonMediaType.test(contentType)) throw new SluiceError('media-type');
  if (encoding !== undefined && encoding !== 'identity') {
    throw new SluiceError('media-type', 'Compressed bodies are not taken');
  }
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw new SluiceError('body-too-large');
  const bytes = await collect(request);
  if (bytes === 'hung-up') return bytes;
  return { json: parse(bytes) };
}

function parse(bytes: Uint8Array): unknown {
  const unusable = (detail: string, cause?: unknown, pointer = '') =>
    refusedFor([{ pointer, code: 'body-invalid', detail }], { cause });
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw unusable('is not UTF-8', cause);
  }
  const fault = jsonFault(text);
  if (fault !== undefined) throw unusable(fault.detail, undefined, fault.pointer);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unusable('is not JSON', cause);
  }
}

function collect(request: IncomingMessage): Promise<Buffer | HungUp> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bodyBytesMax) chunks.push(chunk);
      else {
        // What still comes is thrown away unread; the connection is closed after the answer.
        request.removeAllListeners('data');
        request.resume();
        reject(new SluiceError('body-too-large'));
      }
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('close', () => resolve('hung-up'));
    // The reason is in what follows: an aborted request closes.
    request.on('error', () => resolve('hung-up'));
  });
}
