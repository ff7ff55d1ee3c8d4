import { afterEach, describe, expect, it, vi } from 'vitest';
import { every } from './every.js';
import type { Part } from './part.js';
import { runParts } from './run-parts.js';

const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };

afterEach(() => {
  process.exitCode = 0;
  vi.clearAllMocks();
});

function recording(history: string[], name: string, faults: Partial<Part> = {}): Part {
  return {
    name,
    start: async () => void history.push(`start ${name}`),
    stop: async () => void history.push(`stop ${name}`),
    ...faults,
  };
}

describe('runParts', () => {
  it('starts in order and stops in reverse', async () => {
    const history: string[] = [];
    const stop = new AbortController();
    const last = recording(history, 'c', {
      start: async () => {
        history.push('start c');
        queueMicrotask(() => stop.abort());
      },
    });
    await runParts([recording(history, 'a'), recording(history, 'b'), last], {
      log,
      drainMs: 1000,
      signals: false,
      stopWhen: stop.signal,
    });
    expect(history).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
    expect(process.exitCode ?? 0).toBe(0);
  });

  it('stops what was started when a part fails to start, and throws', async () => {
    const history: string[] = [];
    const failing = recording(history, 'b', { start: () => Promise.reject(new Error('no port')) });
    const running = runParts([recording(history, 'a'), failing, recording(history, 'c')], {
      log,
      drainMs: 1000,
      signals: false,
    });
    await expect(running).rejects.toThrow('no port');
    expect(history).toEqual(['start a', 'stop a']);
    expect(process.exitCode).toBe(1);
  });

  it('goes on when one part neither stops in time nor stops at all', async () => {
    const history: string[] = [];
    const stop = new AbortController();
    const hanging = recording(history, 'b', { stop: () => new Promise(() => undefined) });
    const failing = recording(history, 'c', { stop: () => Promise.reject(new Error('broken')) });
    const running = runParts([recording(history, 'a'), hanging, failing], {
      log,
      drainMs: 20,
      signals: false,
      stopWhen: stop.signal,
    });
    await vi.waitFor(() => expect(history).toContain('start c'));
    stop.abort();
    await running;
    expect(history.at(-1)).toBe('stop a');
    expect(process.exitCode).toBe(1);
  });

  it('stops a part that is still starting', async () => {
    const history: string[] = [];
    const stop = new AbortController();
    const waiting = recording(history, 'b', { start: () => new Promise(() => queueMicrotask(() => stop.abort())) });
    await runParts([recording(history, 'a'), waiting, recording(history, 'c')], {
      log,
      drainMs: 1000,
      signals: false,
      stopWhen: stop.signal,
    });
    expect(history).toEqual(['start a', 'stop b', 'stop a']);
  });
});

describe('every', () => {
  it('never overlaps itself, survives errors, and aborts its work on stop', async () => {
    let running = 0;
    let runs = 0;
    const part = every(
      'loop',
      1,
      (signal) =>
        new Promise<void>((resolve, reject) => {
          running += 1;
          expect(running).toBe(1);
          runs += 1;
          const end = () => {
            running -= 1;
            if (runs === 1) reject(new Error('first'));
            else resolve();
          };
          if (runs < 3) setTimeout(end, 5);
          else signal.addEventListener('abort', end);
        }),
      log,
    );
    await part.start();
    await vi.waitFor(() => expect(runs).toBe(3));
    expect(log.error).toHaveBeenCalledTimes(1);
    await part.stop(1000);
    expect(running).toBe(0);
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('logs an error once while it stays the same, and again after a success', async () => {
    const outcomes = ['away', 'away', 'away', 'other', undefined, 'other'];
    let runs = 0;
    const work = async (): Promise<void> => {
      const failure = outcomes[runs++];
      if (failure !== undefined) throw new Error(failure);
    };
    const part = every('flaky', 1, work, log);
    await part.start();
    await vi.waitFor(() => expect(runs).toBeGreaterThan(outcomes.length));
    await part.stop(1000);
    const said = log.error.mock.calls.map(([facts]) => (facts as { err: Error }).err.message);
    expect(said).toEqual(['away', 'other', 'other']);
  });

  it('lets go of work that ignores its signal', async () => {
    const part = every('stuck', 1, () => new Promise(() => undefined), log);
    await part.start();
    await part.stop(10);
    expect(log.warn).toHaveBeenCalledOnce();
  });
});
