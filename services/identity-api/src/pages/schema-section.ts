import type { JsonSchema } from '../api/open-api-types.js';
import { type Html, html, inline, nothing, paragraphs } from './html.js';

export function schemaLink(name: string): Html {
  return html`<a href="#body-${name}">${name}</a>`;
}

/** One named body: its members, or what it may be. */
export function schemaSection(name: string, schema: JsonSchema): Html {
  return html`<section id="body-${name}">
<h2>${name}</h2>
${schema.description === undefined ? nothing : paragraphs(schema.description)}
${schema.properties === undefined ? html`<p>${typeOf(schema)}</p>` : membersTable(schema)}
</section>
`;
}

function membersTable({ properties = {}, required = [], additionalProperties }: JsonSchema): Html {
  return html`<div class="scroll"><table>
<caption>${additionalProperties === false ? 'No other members are taken.' : 'More members may come.'}</caption>
<thead><tr><th scope="col">Member</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${Object.entries(properties).map(
    ([member, schema]) => html`<tr><th scope="row"><code>${member}</code></th>
<td>${typeOf(schema)}${required.includes(member) ? ', required' : ''}</td>
<td>${inline(schema.description ?? '')}</td></tr>
`,
  )}</tbody></table></div>`;
}

function typeOf(schema: JsonSchema): Html {
  const { $ref, items, anyOf, additionalProperties, properties } = schema;
  if ($ref !== undefined) return schemaLink($ref.split('/').at(-1) ?? '');
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined)
    return html`${joined(schema.enum.map((value) => html`<code>${String(value)}</code>`))}`;
  if (anyOf !== undefined) return html`${joined(anyOf.map(typeOf))}`;
  if (items !== undefined) return html`list of ${typeOf(items)}${bounds(schema, ' values')}`;
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([name, inner]) => html`<code>${name}</code>: ${typeOf(inner)}`);
    return html`object with ${joined(members, ', ')}`;
  }
  if (typeof additionalProperties === 'object') {
    return html`object of ${typeOf(additionalProperties)} by ${typeOf(schema.propertyNames ?? { type: 'string' })}`;
  }
  const name =
    schema.format ?? { string: 'text', integer: 'whole number', boolean: 'true or false' }[schema.type ?? ''];
  return html`${name ?? schema.type ?? 'anything'}${bounds(schema, ' characters')}`;
}

function bounds({ minLength, maxLength, maxItems }: JsonSchema, unit: string): string {
  const max = maxLength ?? maxItems;
  if (max === undefined) return '';
  return minLength === undefined ? `, at most ${max}${unit}` : `, ${minLength} to ${max}${unit}`;
}

function joined(parts: readonly Html[], between = ' or '): readonly Html[] {
  return parts.map((part, at) => (at === 0 ? part : html`${between}${part}`));
}
