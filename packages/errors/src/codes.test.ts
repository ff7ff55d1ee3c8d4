import { expect, it } from 'vitest';
import { codeGroups, codes, isCode } from './codes.js';

it.each(Object.entries(codes))('%s: a status of errors, and whole sentences for people', (code, facts) => {
  expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(facts.status).toBeGreaterThanOrEqual(400);
  expect(facts.status).toBeLessThanOrEqual(599);
  expect(facts.title).toMatch(/^[A-Z].*[^.]$/);
  expect(facts.meaning).toMatch(/^[A-Z`].*\.$/);
  expect(facts.whatToDo).toMatch(/^[A-Z].*\.$/);
});

it('each code stands in one group', () => {
  expect(codeGroups.flatMap((group) => group.codes)).toEqual(Object.keys(codes));
  expect([isCode('internal'), isCode('toString')]).toEqual([true, false]);
});
