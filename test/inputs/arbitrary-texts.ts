import * as fc from 'fast-check';

// Texts that fields and names may hold, up to the very bounds.

/** Signs of any script stand between words; letters of two scripts stand together in few words. */
const sign = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 1 })
  .map((text) => (/^[\p{S}\p{P}]$/u.test(text) ? text : '👩'));
const character = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.constantFrom('ä', 'ß', 'İ', '日', 'ﬃ', '𝄞', '👩', '\u0301', '\u3000') },
  { weight: 2, arbitrary: sign },
);
const cyrillic = fc.oneof(fc.constantFrom('я', 'Ж', 'и', ' ', '7', '\u0301'), sign);

/** Of 1 to `max` characters, sometimes of exactly as many; never with a blank at an end. */
export function anyText(max: number, one?: fc.Arbitrary<string>): fc.Arbitrary<string> {
  if (one === undefined) return fc.oneof({ weight: 5, arbitrary: anyText(max, character) }, anyText(max, cyrillic));
  const ended = (characters: readonly string[]): string =>
    characters
      .map((text, at) => (at % (characters.length - 1 || 1) === 0 && text.trim() !== text ? '7' : text))
      .join('');
  return fc
    .oneof(
      { weight: 4, arbitrary: fc.array(one, { minLength: 1, maxLength: Math.min(max, 20) }) },
      { weight: 1, arbitrary: fc.array(one, { minLength: max, maxLength: max, size: 'max' }) },
    )
    .map(ended);
}

const of = (characters: string): fc.Arbitrary<string> => fc.constantFrom(...characters);
const lower = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const lettersDigits = `${lower}${lower.toUpperCase()}${digits}`;

export const anyPrintable = (max: number) => anyText(max, of(`${lettersDigits} '()+,-./:=?`));
export const anyIa5 = (max: number) => anyText(max, fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }));
export const anyCountry = fc.tuple(of(lower.toUpperCase()), of(lower.toUpperCase())).map((two) => two.join(''));

const label = (max: number): fc.Arbitrary<string> =>
  anyText(max, of(`${lower}${digits}-`)).map((text) => text.replace(/^-|-$/g, 'a').replace(/^(..)--/, '$1aa'));
/** "bücher", "δοκιμή", "中国" */
const aLabel = fc.constantFrom('xn--bcher-kva', 'xn--jxalpdlp', 'xn--fiqs8s');
const longest = ['a', 'b', 'c'].map((letter) => letter.repeat(63)).join('.');

/** Ends in letters, so that it is no address. */
export const anyHost: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.array(fc.oneof({ weight: 5, arbitrary: label(12) }, { weight: 1, arbitrary: aLabel }), { maxLength: 4 }),
        label(63),
      )
      .map(([labels, last]) => [...labels, /^(\d+|0x[\da-f]*)$/.test(last) ? `n${last.slice(1)}` : last].join('.')),
  },
  { weight: 1, arbitrary: fc.constant(`${longest}.${'d'.repeat(61)}`) },
);
/** Of one holder: with a top domain that is not reserved, and never will be held. */
export const anyPublicHost: fc.Arbitrary<string> = anyHost.map((host) =>
  `${host.slice(-250)}.zz`.replace(/^[.-]+/, ''),
);
export const anyWildcard = anyHost
  .map((host) => `*.${host}`)
  .filter((name) => name.length <= 253 && name.split('.').length > 2);

const atom = anyText(10, of(`${lettersDigits}!#$%&'*+/=?^_\`{|}~-`));
export const anyMail = (max: number, host = anyHost): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.oneof(
        fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join('.')),
        fc.constant('m'.repeat(64)),
      ),
      host,
    )
    .map(([local, host]) => `${local}@${host}`)
    .filter((mail) => mail.length <= Math.min(max, 254));

export const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6());
export const anyPublicAddress = fc.oneof(
  fc.ipV4().map((address) => address.replace(/^\d+/, '8')),
  fc
    .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 7, maxLength: 7 })
    .map((groups) => `2600:${groups.map((group) => group.toString(16)).join(':')}`),
);

/** Its own hosts would not do: DNS lets a label have `--` in third place, IDNA keeps those for itself. */
const uriOn = (host: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true, withFragments: true }), host)
    .map(([uri, authority]) => uri.replace(/^(https?:\/\/)[^/?#]*/, (_, scheme: string) => `${scheme}${authority}`));
export const anyPublicUri: fc.Arbitrary<string> = uriOn(fc.constant('a.zz'));
export const anyUri: fc.Arbitrary<string> = fc.oneof(
  uriOn(anyHost),
  fc.constantFrom('http://192.0.2.1:8080/', 'https://[2001:db8::1]/x', `https://a.example.test/${'p'.repeat(2025)}`),
);

/** By the names that profiles have for formats. */
export const formats: Readonly<Record<string, (max: number) => fc.Arbitrary<string>>> = {
  digits: (max) => anyText(max, of(digits)),
  hex: (max) => anyText(max, of(`${digits}abcdef`)),
  'letters-digits': (max) => anyText(max, of(lettersDigits)),
  identifier: (max) => anyText(max, of(`${lettersDigits}._-`)).map((text) => text.replace(/^[._-]/, 'i')),
  uuid: () => fc.uuid(),
  'dns-name': (max) => anyHost.filter((host) => host.length <= max),
  email: anyMail,
};
