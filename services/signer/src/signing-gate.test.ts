import { setMaxListeners } from 'node:events';
import { type RequestClass, requestClasses } from '@sluice/issuance';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Leave, SigningGate } from './signing-gate.js';

const never = new AbortController().signal;
setMaxListeners(0, never);
const clockMs = () => performance.now();
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Each of these wants one place after the other, `at once` of them together, until so many were served. */
async function contend(gate: SigningGate, classes: readonly RequestClass[], rows: number) {
  const served: Record<RequestClass, number> = { urgent: 0, interactive: 0, async: 0, background: 0 };
  let total = 0;
  const want = async (requestClass: RequestClass): Promise<void> => {
    while (total < rows) {
      const leave = await gate.enter(requestClass, 'flow', never);
      if (total < rows) served[requestClass] += 1;
      total += 1;
      await Promise.resolve();
      leave?.();
    }
  };
  await Promise.all(classes.flatMap((one) => Array.from({ length: 8 }, () => want(one))));
  return served;
}

describe('the signing gate', () => {
  it.each([1, 4])('with %i places gives 20/60/15/5 while all classes want them', async (places) => {
    const served = await contend(new SigningGate(places, clockMs), requestClasses, 2000);
    expect(Math.abs(served.urgent - 400)).toBeLessThan(25);
    expect(Math.abs(served.interactive - 1200)).toBeLessThan(25);
    expect(Math.abs(served.async - 300)).toBeLessThan(25);
    expect(Math.abs(served.background - 100)).toBeLessThan(25);
  });

  it('gives what a class does not use to the others, by their shares', async () => {
    const gate = new SigningGate(4, clockMs);
    expect((await contend(gate, ['background'], 100)).background).toBe(100);
    const { async: polled, background } = await contend(gate, ['async', 'background'], 400);
    expect(Math.abs(polled - 300)).toBeLessThan(15);
    expect(Math.abs(background - 100)).toBeLessThan(15);
  });

  it('lets a row wait for those that have a place, and for nobody else of a lower class', async () => {
    const gate = new SigningGate(4, clockMs);
    const order: string[] = [];
    const leaves: Leave[] = [];
    const enter = (name: string, requestClass: RequestClass): void => {
      void gate.enter(requestClass, 'flow', never).then((leave) => {
        order.push(name);
        if (leave) leaves.push(leave);
      });
    };
    // Background was alone for long: nobody owes it anything, nor does it owe.
    await contend(gate, ['background'], 500);
    for (let row = 0; row < 100; row += 1) enter(`b${row}`, 'background');
    await turn();
    enter('i', 'interactive');
    for (let row = 0; row < 2; row += 1) {
      leaves.shift()?.();
      await turn();
    }
    expect(order.slice(0, 4)).toEqual(['b0', 'b1', 'b2', 'b3']);
    expect(order.slice(4)).toContain('i');
  });

  it('lets flows take turns inside a class', async () => {
    const gate = new SigningGate(1, clockMs);
    const order: string[] = [];
    const enter = (flow: string): void => {
      void gate.enter('interactive', flow, never).then(async (leave) => {
        order.push(flow);
        await turn();
        leave?.();
      });
    };
    for (let row = 0; row < 20; row += 1) enter('flood');
    await turn();
    enter('calm-1');
    enter('calm-2');
    enter('calm-1');
    while (order.length < 23) await turn();
    expect(order.findLastIndex((flow) => flow !== 'flood')).toBeLessThan(8);
    expect(order.filter((flow) => flow === 'flood').length).toBe(20);
  });

  it('a class that was idle has no credit from it', async () => {
    const gate = new SigningGate(1, clockMs);
    await contend(gate, ['interactive'], 1000);
    const { interactive, background } = await contend(gate, ['interactive', 'background'], 130);
    expect(background).toBeLessThan(15);
    expect(interactive).toBeGreaterThan(115);
  });

  it('whoever has waited too long leaves the line, and takes no place', async () => {
    const gate = new SigningGate(1, clockMs);
    const leave = await gate.enter('interactive', 'flow', never);
    const tooLate = new AbortController();
    const waiting = gate.enter('interactive', 'flow', tooLate.signal);
    const behind = gate.enter('interactive', 'flow', never);
    tooLate.abort();
    expect(await waiting).toBeUndefined();
    expect(await gate.enter('interactive', 'flow', tooLate.signal)).toBeUndefined();
    leave?.();
    expect(await behind).toBeTypeOf('function');
  });

  it('never has more rows inside than places, and leaves nobody waiting beside a free one', async () => {
    const step = fc.tuple(fc.constantFrom(...requestClasses, 'leave' as const, 'give up' as const), fc.nat(9));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (places, steps) => {
        const gate = new SigningGate(places, clockMs);
        const inside: Leave[] = [];
        const waiting = new Set<AbortController>();
        for (const [what, index] of steps) {
          if (what === 'leave') inside.splice(index % Math.max(1, inside.length), 1)[0]?.();
          else if (what === 'give up') [...waiting][index % Math.max(1, waiting.size)]?.abort();
          else {
            const tooLate = new AbortController();
            waiting.add(tooLate);
            void gate.enter(what, `flow-${index % 3}`, tooLate.signal).then((leave) => {
              waiting.delete(tooLate);
              if (leave) inside.push(leave);
            });
          }
          await turn();
          expect(inside.length).toBeLessThanOrEqual(places);
          if (waiting.size > 0) expect(inside.length).toBe(places);
        }
      }),
      { numRuns: 50 },
    );
  });
});
