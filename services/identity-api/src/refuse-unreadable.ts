import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Code, SluiceError } from '@sluice/errors';
import { problemAnswer } from './answer.js';
import type { Front } from './front.js';
import { writeAnswerToSocket } from './write-answer.js';

/** What Node's HTTP parser and clocks say, in our codes. */
const codeOf: Readonly<Record<string, Code>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/**
 * Answers what never became a request: headers beyond the limit, too slow, or not HTTP. A connection that merely broke
 * gets nothing. Nothing is said of any fate: such a request has none.
 */
export function createRefuseUnreadable(front: Pick<Front, 'metrics' | 'random' | 'log'>) {
  return (error: Error, socket: Duplex): void => {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const code = codeOf[reason] ?? (reason.startsWith('HPE_') ? 'http-invalid' : undefined);
    if (code === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    const answer = problemAnswer(new SluiceError(code), { random: front.random });
    const requestId = randomUUID();
    writeAnswerToSocket(socket, requestId, answer);
    front.metrics.answered('none', answer.status, code, undefined);
    front.log.debug({ event: 'answered', requestId, route: 'none', status: answer.status, code, reason }, 'unreadable');
  };
}
