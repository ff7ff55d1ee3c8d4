import { STATUS_CODES } from 'node:http';
import type { JsonSchema, OpenApi, OpenApiContent, OpenApiOperation, OpenApiResponse } from '../api/open-api-types.js';
import { type Html, html, inline, nothing, paragraphs } from './html.js';
import { schemaLink, schemaSection } from './schema-section.js';

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** The document's operations and schemas, as links. */
export function docsNav(document: OpenApi): Html {
  return html`<strong>${document.info.title}</strong>
<ul><li><a href="#main">Introduction</a></li></ul>
${document.tags.map(
  ({ name }) => html`<strong>${name}</strong>
<ul>${listed(document, name).map(
    ({ operation, method, path }) =>
      html`<li><a href="#${operation.operationId}">${method.toUpperCase()} ${path}</a></li>`,
  )}</ul>
`,
)}<strong>Bodies</strong>
<ul>${Object.keys(document.components.schemas).map((name) => html`<li>${schemaLink(name)}</li>`)}</ul>
<ul><li><a href="/problems">Problems</a></li><li><a href="/openapi.json">openapi.json</a></li></ul>`;
}

/** The document as a page: everything that stands in it, and nothing else. */
export function docsPage(document: OpenApi): Html {
  const { info, components, tags } = document;
  return html`<h1>${info.title}</h1>
${paragraphs(info.description)}
${Object.values(components.securitySchemes).map((scheme) =>
  'description' in scheme && typeof scheme.description === 'string' ? paragraphs(scheme.description) : nothing,
)}
${tags.map((tag) => html`${listed(document, tag.name).map((one) => operationSection(document, one))}`)}
<section id="elsewhere">
<h2>Other addresses and methods</h2>
${responsesTable(Object.values(components.responses).map((response) => [statusOf(response), response]))}
</section>
${Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema))}`;
}

function listed(document: OpenApi, tag: string): readonly Listed[] {
  return Object.entries(document.paths)
    .flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ method, path, operation })))
    .filter(({ operation }) => operation.tags.includes(tag));
}

function operationSection(document: OpenApi, { method, path, operation }: Listed): Html {
  const { operationId, summary, description, security, requestBody, responses } = operation;
  return html`<section id="${operationId}">
<h2>${summary}</h2>
<p><span class="method">${method.toUpperCase()}</span><code>${path}</code></p>
${paragraphs(description)}
${security.length > 0 ? nothing : html`<p class="soft">Without an API key.</p>`}
${parametersTable(document, operation)}
${requestBody === undefined ? nothing : html`<h3>Body</h3>\n${contents(requestBody.content)}`}
<h3>Answers</h3>
${responsesTable(Object.entries(responses))}
${Object.values(responses).map((response) => (hasCodes(response) ? nothing : exampleOf(response.content)))}
</section>
`;
}

function parametersTable(document: OpenApi, operation: OpenApiOperation): Html {
  const rows = operation.parameters.map(({ $ref }) => {
    const parameter = document.components.parameters[$ref.split('/').at(-1) ?? ''];
    if (parameter === undefined) return nothing;
    const { name, required, description, example } = parameter;
    return html`<tr><th scope="row"><code>${name}</code></th><td>${parameter.in}${required ? ', required' : ''}</td><td>${paragraphs(description)}<p class="soft">As in <code>${example}</code></p></td></tr>
`;
  });
  return html`<h3>Headers and path</h3>
<div class="scroll"><table>
<thead><tr><th scope="col">Name</th><th scope="col">Where</th><th scope="col">Meaning</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function responsesTable(responses: readonly (readonly [status: string, response: OpenApiResponse])[]): Html {
  return html`<div class="scroll"><table>
<thead><tr><th scope="col">Status</th><th scope="col">Body</th><th scope="col">When</th><th scope="col">Headers</th></tr></thead>
<tbody>${responses.map(
    ([
      status,
      response,
    ]) => html`<tr><th scope="row">${status} <span class="soft">${STATUS_CODES[status] ?? ''}</span></th>
<td>${bodiesOf(response)}</td><td>${meaningOf(response)}</td><td>${headersOf(response)}</td></tr>
`,
  )}</tbody></table></div>`;
}

function meaningOf(response: OpenApiResponse): Html {
  const codes = codesOf(response);
  if (codes.length === 0) return paragraphs(response.description);
  return html`${codes.map((code) => html`<p><a href="/problems/${code}"><code>${code}</code></a></p>`)}`;
}

function bodiesOf(response: OpenApiResponse): Html {
  return html`${Object.entries(response.content).map(([mediaType, { schema }]) => {
    const names = namesIn(schema);
    return names.length === 0
      ? html`<p>${mediaType}</p>`
      : html`${names.map((name) => html`<p>${schemaLink(name)}</p>`)}`;
  })}`;
}

function headersOf(response: OpenApiResponse): Html {
  return html`${Object.entries(response.headers).map(
    ([name, { required }]) => html`<p><code>${name}</code>${required ? '' : ' (may)'}</p>`,
  )}`;
}

function contents(content: OpenApiContent): Html {
  return html`${Object.entries(content).map(
    ([mediaType, { schema }]) =>
      html`<p>${namesIn(schema).map((name) => schemaLink(name))} as <code>${mediaType}</code></p>\n`,
  )}${exampleOf(content)}`;
}

function exampleOf(content: OpenApiContent): Html {
  return html`${Object.values(content).flatMap(({ examples = {} }) =>
    Object.entries(examples).map(
      ([name, { value }]) => html`<details><summary>${inline(`Example: ${name}`)}</summary>
<pre tabindex="0"><code>${JSON.stringify(value, undefined, 2)}</code></pre></details>
`,
    ),
  )}`;
}

function namesIn(schema: JsonSchema): readonly string[] {
  const { $ref, anyOf = [], allOf = [] } = schema;
  if ($ref !== undefined) return [$ref.split('/').at(-1) ?? ''];
  return [...anyOf, ...allOf].flatMap(namesIn);
}

function codesOf(response: OpenApiResponse): readonly string[] {
  const { allOf = [] } = response.content['application/problem+json']?.schema ?? {};
  return allOf.flatMap(({ properties }) => (properties?.code?.enum ?? []).map(String));
}

function hasCodes(response: OpenApiResponse): boolean {
  return codesOf(response).length > 0;
}

function statusOf(response: OpenApiResponse): string {
  const { allOf = [] } = response.content['application/problem+json']?.schema ?? {};
  return allOf.map(({ properties }) => String(properties?.status?.const ?? '')).join('');
}
