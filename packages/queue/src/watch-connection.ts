import type { Redis } from 'ioredis';

const watchEveryMs = 5000;

/**
 * Notices a connection that is half open: the peer vanished without a word, and TCP would take ten minutes to say so.
 * One PING every 5 s; if the last one was not answered, the connection is made anew and ioredis sends again what was
 * unanswered. Only while there is a socket: `disconnect` during a pending reconnection would cancel that reconnection.
 * Returns what ends the watch.
 */
export function watchConnection(client: Redis, everyMs = watchEveryMs): () => void {
  let unanswered = false;
  const timer = setInterval(() => {
    const hasSocket = client.status === 'ready' || client.status === 'connect';
    if (!hasSocket) {
      unanswered = false;
    } else if (unanswered) {
      unanswered = false;
      client.disconnect(true);
    } else {
      unanswered = true;
      client.ping().then(
        () => {
          unanswered = false;
        },
        // The connection ended, which its own error event tells.
        () => undefined,
      );
    }
  }, everyMs).unref();
  return () => clearInterval(timer);
}
