import type { IncomingMessage, ServerResponse } from 'node:http';

/** One HTTP request being answered. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Under which the log tells the rest; in X-Request-Id and in every problem. */
  readonly httpRequestId: string;
  /** `:id` of the path. */
  readonly id?: string | undefined;
}

/** Calls back once when the client goes away before it has its answer. */
export function onHangUp(call: Call, hungUp: () => void): void {
  const { response } = call;
  response.once('close', () => {
    if (!response.writableEnded) hungUp();
  });
}
