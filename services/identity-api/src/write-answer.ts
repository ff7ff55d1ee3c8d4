import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Answer } from './answer.js';
import { securityHeaders } from './security-headers.js';

const usualHeaders = { ...securityHeaders, 'cache-control': 'no-store', vary: 'Prefer, Authorization' };

/** How long the rest of a body that nobody will read is thrown away before the connection is closed. */
const lingerMs = 1000;

/** Writes an answer as it is seen from outside. The id stands in its header and, for a problem, in its body too. */
export function writeAnswer(response: ServerResponse, requestId: string, answer: Answer): void {
  const text = textOf(answer, requestId);
  // Set as well as written: `isLast` sees only what was set.
  if (answer.headers.connection !== undefined) response.setHeader('connection', answer.headers.connection);
  response.writeHead(answer.status, headersOf(answer, requestId, text));
  const closes = isLast(response) || !response.shouldKeepAlive;
  if (closes && !response.req.complete) endAfterRequest(response, text);
  else response.end(text);
}

/** Was it said, or is it about to be said, that nothing else is answered on this connection? */
export function isLast(response: ServerResponse): boolean {
  return response.getHeader('connection') === 'close';
}

/** Closed with octets unread, a connection is reset, and who is still sending never sees the answer (RFC 9112, 9.6). */
function endAfterRequest(response: ServerResponse, text: string): void {
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  response.write(text);
  response.req.once('end', end).once('close', end).resume();
}

/** The same where Node has no response: what came was not a request that it could read. Ends the connection. */
export function writeAnswerToSocket(socket: Duplex, requestId: string, answer: Answer): void {
  const text = textOf(answer, requestId);
  const headers = { ...headersOf(answer, requestId, text), date: new Date().toUTCString(), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${text}`);
}

function textOf({ body, code }: Answer, requestId: string): string {
  if (typeof body === 'string') return body;
  return JSON.stringify(code === 'ok' ? body : { ...body, request_id: requestId });
}

function headersOf({ headers }: Answer, requestId: string, text: string): Record<string, string | number> {
  const own = { 'content-length': Buffer.byteLength(text), 'x-request-id': requestId };
  return Object.assign({}, usualHeaders, headers, own);
}
