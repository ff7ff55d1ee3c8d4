import { type Code, codeGroups, codes, isCode, SluiceError } from '@sluice/errors';
import type { z } from 'zod';
import { type Answer, jsonAnswer } from './answer.js';
import type { problemTypeSchema, problemTypesSchema } from './api/schemas.js';
import type { RoutedCall } from './call.js';
import { pageAnswer, publicFor5Minutes } from './pages/page.js';
import { problemPage, problemsPage } from './pages/problem-pages.js';

/** `GET /problems`: every code, in groups. */
export async function getProblems(call: RoutedCall): Promise<Answer> {
  if (!asksForJson(call)) return pageAnswer({ title: 'Problems', main: problemsPage(), headers: { vary: 'Accept' } });
  const groups = codeGroups.map((group) => ({ title: group.title, problems: group.codes.map(problemType) }));
  return publicJson({ groups } satisfies z.infer<typeof problemTypesSchema>);
}

/** `GET /problems/{code}`: where a problem's `type` leads to. */
export async function getProblem(call: RoutedCall): Promise<Answer> {
  const code = call.id ?? '';
  if (!isCode(code)) throw new SluiceError('not-found');
  if (asksForJson(call)) return publicJson(problemType(code));
  return pageAnswer({ title: codes[code].title, main: problemPage(code), headers: { vary: 'Accept' } });
}

function problemType(code: Code): z.infer<typeof problemTypeSchema> {
  const { status, title, meaning, whatToDo } = codes[code];
  return { type: `/problems/${code}`, code, status, title, meaning, what_to_do: whatToDo };
}

/** People get a page, and so does who does not say. */
function asksForJson(call: RoutedCall): boolean {
  return call.accepts(['text/html', 'application/json']) === 'application/json';
}

function publicJson(body: object): Answer {
  return jsonAnswer(200, body, { ...publicFor5Minutes, vary: 'Accept' });
}
