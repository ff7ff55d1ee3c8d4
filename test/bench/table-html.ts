import { escapeText } from './page-style.js';
import type { Table } from './table-text.js';

const isNumber = (cell: string): boolean => /^(-?[\d.,]+|–)$/.test(cell);

function classOf(cell: string, numeric: boolean): string {
  if (numeric) return ' class="number"';
  return cell.startsWith('✗') ? ' class="short"' : cell.startsWith('✓') ? ' class="met"' : '';
}

/** Figures to the right; a cell that begins with ✓ or ✗ in its colour. */
export function tableHtml([title, head, rows]: Table): string {
  // A column of figures is set to the right, its name too.
  const numeric = head.map(
    (_, column) => rows.every((row) => isNumber(row[column] ?? '')) && rows.some((row) => row[column] !== '–'),
  );
  const cells = (tag: 'th' | 'td', texts: readonly string[]): string =>
    texts
      .map((text, column) => `<${tag}${classOf(text, numeric[column] === true)}>${escapeText(text)}</${tag}>`)
      .join('');
  return `<h2>${escapeText(title)}</h2><div class="scroll"><table><thead><tr>${cells('th', head)}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')}</tbody></table></div>`;
}
