import { hash } from 'node:crypto';
import type { Answer } from '../answer.js';
import { Html, html, nothing } from './html.js';

const style = `
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5a6877; --line: #d9dfe6; --paper: #fff; --shade: #f4f6f8; --link: #0b5cad; --mark: #e8f1fb; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --soft: #9aa7b5; --line: #36414d; --paper: #14191f; --shade: #1d242c; --link: #7db8f5; --mark: #1b3550; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
a { color: var(--link); }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem; }
.whole { max-width: 76rem; margin: 0 auto; padding: 1.5rem; display: grid; gap: 3rem; }
.with-nav { grid-template-columns: 15rem minmax(0, 1fr); }
nav { position: sticky; top: 1.5rem; align-self: start; max-height: calc(100vh - 3rem); overflow: auto; font-size: .9rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; }
nav li { margin: .2rem 0; }
nav strong { color: var(--soft); font-weight: 600; }
main > section { border-top: 1px solid var(--line); padding-top: 1rem; margin-top: 2.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
code, pre { font: .875em/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
code { background: var(--shade); border-radius: 3px; padding: .1em .3em; overflow-wrap: anywhere; }
pre { background: var(--shade); border: 1px solid var(--line); border-radius: 6px; padding: .8rem; overflow: auto; }
pre code { background: none; padding: 0; overflow-wrap: normal; }
.method { display: inline-block; min-width: 4.2rem; text-align: center; font: 600 .85rem ui-monospace, monospace; background: var(--mark); border-radius: 4px; padding: .2em .5em; margin-right: .5rem; }
.soft { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
caption { text-align: left; color: var(--soft); padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; }
td p { margin: 0 0 .3rem; }
th code, td > code:only-child { overflow-wrap: normal; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.2rem; }
dt { color: var(--soft); }
dd { margin: 0; }
details { margin: .8rem 0; }
summary { cursor: pointer; }
@media (max-width: 52rem) { .with-nav { grid-template-columns: minmax(0, 1fr); gap: 1rem; } nav { position: static; max-height: none; } nav ul { columns: 2; } dl { grid-template-columns: 1fr; } }
`;

const styleElement = new Html(style);

/** Nothing but this style may take effect: no script, no picture, no form, nothing from elsewhere. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', style, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What does not change while this process runs, and is no secret. */
export const publicFor5Minutes = { 'cache-control': 'public, max-age=300' } as const;

/** A page that needs nothing but itself. */
export function pageAnswer(page: {
  readonly title: string;
  readonly nav?: Html | undefined;
  readonly main: Html;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}): Answer {
  const { title, nav, main, headers } = page;
  const document = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${styleElement}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<div class="whole${nav === undefined ? '' : ' with-nav'}">
${nav === undefined ? nothing : html`<nav aria-label="Contents">${nav}</nav>`}
<main id="main">
${main}
</main>
</div>
</body>
</html>
`;
  return {
    status: 200,
    body: document.text,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      ...publicFor5Minutes,
      ...headers,
    },
    code: 'ok',
  };
}
