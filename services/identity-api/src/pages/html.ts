/** Text that is HTML already, and goes out as it is. Whatever comes from elsewhere becomes it by way of `html`, which escapes. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Shown = string | number | Html | readonly Html[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(value: Shown): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(({ text }) => text).join('');
  return String(value).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A template whose values are escaped, wherever they stand. */
export function html(strings: TemplateStringsArray, ...values: readonly Shown[]): Html {
  return new Html(strings.map((text, at) => text + (at < values.length ? escaped(values[at] ?? '') : '')).join(''));
}

export const nothing = new Html('');

/** A sentence of ours: what stands between backticks is code. */
export function inline(text: string): Html {
  const pieces = text.split('`');
  return html`${pieces.map((piece, at) => (at % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`))}`;
}

/** Several of them, parted by empty lines. */
export function paragraphs(text: string): Html {
  return html`${text.split('\n\n').map((paragraph) => html`<p>${inline(paragraph)}</p>\n`)}`;
}
