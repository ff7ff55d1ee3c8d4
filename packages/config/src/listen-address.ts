import { z } from 'zod';

export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

/** `host:port` or `[IPv6]:port`. For a default, add `.prefault('127.0.0.1:0')`. */
export function listenAddress() {
  return z.string().transform((text, context): ListenAddress => {
    const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
    const host = parts?.[1] ?? parts?.[2];
    const port = Number(parts?.[3]);
    if (host === undefined || port > 65_535) {
      context.addIssue({ code: 'custom', message: 'is not host:port with a port from 0 to 65535' });
      return z.NEVER;
    }
    return { host, port };
  });
}
