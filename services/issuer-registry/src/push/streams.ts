import type { KeyObject } from 'node:crypto';
import { SluiceError } from '@sluice/errors';
import type { StreamStanding } from '@sluice/ledger';
import type { Log, Part } from '@sluice/lifecycle';
import { aliveLine, type Frame, frameLine, heartbeatMs as heartbeatDefaultMs } from '@sluice/registry-protocol';
import type { Versions } from './versions.js';

/** The part of an HTTP answer that a stream is written to. */
export interface Outlet {
  /** False: its buffer is full until `drain`. */
  write(line: string | Buffer): boolean;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  /** Cuts the connection. */
  destroy(): void;
}

export interface NewStream {
  readonly name: string;
  /** The registered key that opened it. */
  readonly key: KeyObject;
  readonly incarnation: bigint;
  readonly nonce: Uint8Array;
  /** What the registry is to the state that the subscriber has. */
  readonly standing: StreamStanding;
  /** What the subscriber has; `undefined`: nothing that it would go on from. */
  readonly epoch: bigint | undefined;
  readonly outlet: Outlet;
}

interface Stream extends NewStream {
  sentEpoch: bigint | undefined;
  advancing: boolean;
  /** Set while what was written is not drained. */
  full: NodeJS.Timeout | undefined;
  closed: boolean;
}

/** Every subscriber's stream at this process, one per name. */
export interface Streams extends Part {
  /**
   * Keeps a place for the stream that is about to be added; returns what gives the place up. Throws `unavailable` when
   * there are as many as may be, `draining` when stopping.
   */
  admit(name: string): () => void;
  /** Greets it, and sends what it is missing. A stream under the same name ends. */
  add(stream: NewStream): void;
  /** Sends what is missing to each. */
  advance(): void;
  /** Ends all of them: each comes back and says where it is. */
  endAll(): void;
  of(name: string): Pick<NewStream, 'incarnation' | 'nonce'> | undefined;
  /** Ends it: another process has a newer one, or its key is not the registered one any more. */
  end(name: string): void;
  all(): readonly Pick<NewStream, 'name' | 'key'>[];
  readonly count: number;
}

/** A connection that takes nothing for so long is cut: a change waits for no one, and memory is bounded. */
const drainMaxMs = 10_000;
const countMaxDefault = 500;

export function createStreams(options: {
  readonly versions: Versions;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly heartbeatMs?: number;
  readonly countMax?: number;
}): Streams {
  const { versions, monotonicMs, log, heartbeatMs = heartbeatDefaultMs, countMax = countMaxDefault } = options;
  const streams = new Map<string, Stream>();
  /** Admitted, and not added yet. */
  const coming = new Set<{ readonly name: string }>();
  let stopped = false;
  let beats: NodeJS.Timeout | undefined;

  function close(stream: Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    clearTimeout(stream.full);
    if (streams.get(stream.name) === stream) streams.delete(stream.name);
    stream.outlet.destroy();
  }

  function write(stream: Stream, line: string | Buffer): void {
    if (stream.closed || stream.outlet.write(line) || stream.full !== undefined) return;
    stream.full = setTimeout(() => {
      log.warn({ event: 'stream-stuck', name: stream.name }, 'a subscriber reads nothing; its stream is cut');
      close(stream);
    }, drainMaxMs);
  }

  /** At most one frame waits for a slow reader: what comes meanwhile is one change, from where it is to where we are. */
  async function bring(stream: Stream): Promise<void> {
    if (stream.advancing) return;
    stream.advancing = true;
    try {
      while (!stream.closed && stream.full === undefined && isBehind(stream)) {
        const { epoch, line } = await versions.since(stream.sentEpoch);
        stream.sentEpoch = epoch;
        write(stream, line);
      }
    } catch (err) {
      log.warn({ event: 'stream-failed', name: stream.name, err }, 'a change cannot be read; the stream ends');
      close(stream);
    } finally {
      stream.advancing = false;
    }
  }

  function isBehind({ sentEpoch }: Stream): boolean {
    const newest = versions.newest()?.epoch ?? 0n;
    return sentEpoch === undefined || sentEpoch < newest;
  }

  /** While the ledger does not answer, nobody is told that nothing was missed: only that we are here. */
  function beat(stream: Stream): void {
    if (stream.advancing || stream.full !== undefined || isBehind(stream)) return;
    const known = monotonicMs() - versions.lookedAtMs() < heartbeatMs;
    write(stream, (known ? versions.heartbeat()?.line : undefined) ?? aliveLine);
  }

  return {
    name: 'streams',
    get count() {
      return streams.size;
    },
    admit(name) {
      if (stopped) throw new SluiceError('draining');
      const names = new Set([...streams.keys(), ...Array.from(coming, (other) => other.name)]);
      if (names.size >= countMax && !names.has(name)) {
        throw new SluiceError('unavailable', `${countMax} subscribers have their streams here already`);
      }
      const place = { name };
      coming.add(place);
      return () => void coming.delete(place);
    },
    add(given) {
      const before = streams.get(given.name);
      if (before) close(before);
      const { outlet } = given;
      const stream: Stream = { ...given, sentEpoch: given.epoch, advancing: false, full: undefined, closed: false };
      streams.set(given.name, stream);
      outlet.on('close', () => close(stream));
      outlet.on('drain', () => {
        clearTimeout(stream.full);
        stream.full = undefined;
        void bring(stream);
      });
      if (stopped) return close(stream);
      write(stream, frameLine(helloOf(given)));
      if (isBehind(stream)) void bring(stream);
      else beat(stream);
    },
    advance() {
      for (const stream of streams.values()) void bring(stream);
    },
    endAll() {
      for (const stream of streams.values()) close(stream);
    },
    of: (name) => streams.get(name),
    all: () => [...streams.values()],
    end(name) {
      const stream = streams.get(name);
      if (stream) close(stream);
    },
    async start() {
      beats = setInterval(() => {
        for (const stream of streams.values()) beat(stream);
      }, heartbeatMs);
    },
    async stop() {
      stopped = true;
      clearInterval(beats);
      for (const stream of streams.values()) close(stream);
    },
  };
}

function helloOf({ nonce, standing }: NewStream): Frame {
  const { history, restoredEpoch, sealed } = standing;
  return {
    type: 'hello',
    stream_nonce: text(nonce),
    history,
    sealed: sealed === null ? null : text(sealed),
    restored: String(restoredEpoch),
  };
}

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');
