import { STATUS_CODES } from 'node:http';
import { type Code, codeGroups, codes } from '@sluice/errors';
import { type Html, html, inline } from './html.js';

/** Every code, in groups. */
export function problemsPage(): Html {
  return html`<h1>Problems</h1>
<p>Every answer that is not what was asked for carries one of these codes. They are stable: programs may decide by them.
The whole description is <a href="/docs">here</a>.</p>
${codeGroups.map(
  (group) => html`<section>
<h2>${group.title}</h2>
<div class="scroll"><table>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead>
<tbody>${group.codes.map(
    (code) => html`
<tr><th scope="row"><a href="/problems/${code}"><code>${code}</code></a></th><td>${codes[code].status}</td><td>${inline(codes[code].title)}</td></tr>`,
  )}
</tbody></table></div>
</section>
`,
)}`;
}

/** One code: what a problem's `type` leads to. */
export function problemPage(code: Code): Html {
  const { status, title, meaning, whatToDo } = codes[code];
  return html`<p class="soft"><a href="/problems">Problems</a> / <code>${code}</code></p>
<h1>${title}</h1>
<p>${inline(meaning)}</p>
<dl>
<dt>Code</dt><dd><code>${code}</code></dd>
<dt>HTTP status</dt><dd>${status} ${STATUS_CODES[status] ?? ''}</dd>
<dt>What to do</dt><dd>${inline(whatToDo)}</dd>
</dl>
<p class="soft">The problem that led here says more in its <code>detail</code>, and its <code>request_id</code> leads to the line in our log.</p>`;
}
