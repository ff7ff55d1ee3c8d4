import type { IncomingMessage, ServerResponse } from 'node:http';

/** One HTTP request being answered. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Under which the log tells the rest; in X-Request-Id and in every problem. */
  readonly httpRequestId: string;
}

/** One that came by a route of Express. */
export interface RoutedCall extends Call {
  /** What stands in the path where the route has a parameter. */
  readonly id: string | undefined;
  /** Which of these media types the client likes best (RFC 9110 12.5.1); `false`: none of them. */
  readonly accepts: (mediaTypes: readonly string[]) => string | false;
}

/** Calls back once when the client goes away before it has its answer. */
export function onHangUp(call: Call, hungUp: () => void): void {
  const { response } = call;
  response.once('close', () => {
    if (!response.writableEnded) hungUp();
  });
}
