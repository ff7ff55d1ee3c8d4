import { hash } from 'node:crypto';
import { codes } from '@sluice/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleOrder, exampleProblem, examples } from './api/examples.js';
import type { OpenApi } from './api/open-api-types.js';
import { problemSchema } from './api/schemas.js';
import { html, inline } from './pages/html.js';
import { type StartedFront, startFront } from './testing/start-front.js';

let front: StartedFront;
beforeAll(async () => {
  front = await startFront();
});
afterAll(async () => {
  await front.server.stop(100);
});

const page = async (path: string) => (await front.fetch(path)).text();
const described = async () => (await (await front.fetch('/openapi.json')).json()) as OpenApi;

describe('the examples', () => {
  it('are what the schemas take', () => {
    expect(examples.size).toBeGreaterThan(5);
    for (const [schema, example] of examples) expect(schema.parse(example)).toEqual(example);
    for (const code of Object.keys(codes) as (keyof typeof codes)[]) {
      const example = exampleProblem(code);
      expect(problemSchema.parse(example)).toEqual(example);
    }
  });

  it('the order can be sent as it stands', async () => {
    front.ledger.afterAccept = (id) => front.ledger.issue(id);
    const asked = front.post(exampleOrder);
    await front.pass(200);
    expect((await asked).status).toBe(201);
  });
});

describe('/openapi.json', () => {
  it('refers only to what is in it', async () => {
    const document = await described();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference = '']) => reference,
    );
    expect(references.length).toBeGreaterThan(30);
    for (const reference of references) {
      const steps = reference.replace('#/', '').split('/');
      const found = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
      expect(found, reference).toBeDefined();
    }
  });

  it('says of every field and kind of name what it is for', async () => {
    const { schemas } = (await described()).components;
    expect(Object.keys(schemas.SubjectDn?.properties ?? {})).toContain('organizational_unit');
    expect(schemas.Order?.additionalProperties).toBe(false);
    expect(schemas.Order?.properties?.csr?.maxLength).toBe(16_384);
  });

  it('each operation says every status it can answer with', async () => {
    const { responses } = (await described()).paths['/identity']?.post ?? {};
    const all = ['201', '202', '400', '401', '403', '408', '409', '413', '415', '422', '429', '431', '500', '503'];
    expect(Object.keys(responses ?? {})).toEqual(all);
    expect(Object.keys(responses?.['503']?.headers ?? {}).sort()).toEqual([
      'Location',
      'Preference-Applied',
      'Retry-After',
      'X-Request-Id',
    ]);
  });
});

describe.each(['/docs', '/problems', '/problems/lane-full'])('%s', (path) => {
  it('needs nothing from elsewhere, and may not run anything', async () => {
    const answer = await front.fetch(path);
    const text = await answer.text();
    expect(text).not.toMatch(/<(script|img|link|iframe|form|object)\b|\bsrc=|\bon[a-z]+=|@import|url\(/i);
    for (const [, href] of text.matchAll(/href="([^"]*)"/g)) expect(href).toMatch(/^(#|\/(problems|docs|openapi))/);
    const style = /<style>([\s\S]*?)<\/style>/.exec(text)?.[1] ?? '';
    const policy = answer.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  it('has a language, one heading of the first order, and every link has its end', async () => {
    const text = await page(path);
    expect(text).toContain('<html lang="en">');
    expect(text.match(/<h1>/g)).toHaveLength(1);
    const ids = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
    for (const [, at] of text.matchAll(/href="(\/[^"]+)"/g)) expect((await front.fetch(at ?? '')).status).toBe(200);
    expect([...text.matchAll(/<(td|th|tr|p|table|section|details|code|ul|li|a|div|main)\b/g)].length).toBe(
      [...text.matchAll(/<\/(td|th|tr|p|table|section|details|code|ul|li|a|div|main)>/g)].length,
    );
  });
});

it('/docs shows every operation, body and code of the document', async () => {
  const text = await page('/docs');
  const { paths, components } = await described();
  for (const [path, item] of Object.entries(paths)) {
    for (const { operationId, summary } of Object.values(item)) {
      expect(text).toContain(`<section id="${operationId}">`);
      expect(text).toContain(summary);
    }
    expect(text).toContain(`<code>${path}</code>`);
  }
  for (const name of Object.keys(components.schemas)) expect(text).toContain(`<section id="body-${name}">`);
  expect(text).not.toContain('undefined');
  expect(text).not.toContain('[object');
});

describe('/problems/{code}', () => {
  it.each(Object.entries(codes))('%s: a page, and the same as JSON', async (code, facts) => {
    const text = await page(`/problems/${code}`);
    expect(text).toContain(`<h1>${html`${facts.title}`.text}</h1>`);
    expect(text).toContain(inline(facts.meaning).text);
    const asJson = await front.fetch(`/problems/${code}`, { headers: { accept: 'application/json' } });
    expect(asJson.headers.get('vary')).toContain('Accept');
    expect(await asJson.json()).toEqual({
      ...{ type: `/problems/${code}`, code, status: facts.status, title: facts.title },
      ...{ meaning: facts.meaning, what_to_do: facts.whatToDo },
    });
  });

  it.each([
    ['*/*', 'text/html'],
    ['application/json, text/html;q=0.5', 'application/json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html'],
    ['image/png', 'text/html'],
  ])('Accept: %s gives %s', async (accept, mediaType) => {
    const answer = await front.fetch('/problems', { headers: { accept } });
    expect(answer.headers.get('content-type')).toContain(mediaType);
  });

  it.each(['nothing', 'toString', '__proto__'])('%s is not found', async (code) => {
    expect((await front.fetch(`/problems/${code}`)).status).toBe(404);
  });

  it('HEAD: the headers of GET, and no body', async () => {
    const answer = await front.fetch('/problems/internal', { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(1000);
  });
});

it('what is shown is escaped, wherever it stands', () => {
  const hostile = `<b x="y">&'`;
  expect(html`<p title="${hostile}">${hostile}</p>`.text).toBe(
    '<p title="&lt;b x=&quot;y&quot;&gt;&amp;&#39;">&lt;b x=&quot;y&quot;&gt;&amp;&#39;</p>',
  );
  expect(inline('a `<b>` c').text).toBe('a <code>&lt;b&gt;</code> c');
});
