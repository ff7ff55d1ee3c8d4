import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { profileJsonSchema } from './profile-json-schema.js';

const file = fileURLToPath(new URL('../../../infra/profiles/profile.schema.json', import.meta.url));

// To renew it: npx vitest run --config infra/vitest.config.ts packages/pki/src/profile-json-schema.test.ts -u
it('is what infra/profiles/profile.schema.json holds', async () => {
  await expect(`${formatted(profileJsonSchema(), '')}\n`).toMatchFileSnapshot(file);
});

/** As the formatter of this repository would leave it: lists of plain values on one line where they fit. */
function formatted(value: unknown, indent: string, before = 0): string {
  const inner = `${indent}  `;
  const block = (open: string, parts: readonly string[], close: string): string =>
    parts.length === 0 ? open + close : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
  if (Array.isArray(value)) {
    const line = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
    const isPlain = value.every((one) => typeof one !== 'object');
    if (isPlain && indent.length + before + line.length < 120) return line;
    return block(
      '[',
      value.map((one) => formatted(one, inner)),
      ']',
    );
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}: ${formatted(one, inner, name.length + 4)}`,
  );
  return block('{', members, '}');
}
