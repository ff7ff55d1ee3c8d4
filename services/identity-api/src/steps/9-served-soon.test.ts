import { expect, it } from 'vitest';
import { createServedSoon } from './9-served-soon.js';

it('counts who waits no longer than twice what it lately took', () => {
  let nowMs = 0;
  let latelyMs = 40;
  const served = createServedSoon(
    () => latelyMs,
    () => nowMs,
  );
  const first = served.begin();
  nowMs = 30;
  const second = served.begin();
  served.begin();
  expect(served.count).toBe(3);
  second.end();
  second.end();
  expect(served.count).toBe(2);
  nowMs = 81;
  expect(served.count).toBe(1);
  first.end();
  expect(served.count).toBe(1);
  latelyMs = 20;
  expect(served.count).toBe(0);
  served.begin();
  expect(served.count).toBe(1);
});

it('a hundred that are held keep nobody waiting for them', () => {
  let nowMs = 0;
  const served = createServedSoon(
    () => 40,
    () => nowMs,
  );
  for (let held = 0; held < 100; held += 1) {
    served.begin();
    nowMs += 10;
    const healthy = served.begin();
    expect(served.count).toBeLessThanOrEqual(10);
    healthy.end();
  }
  nowMs += 81;
  expect(served.count).toBe(0);
});
