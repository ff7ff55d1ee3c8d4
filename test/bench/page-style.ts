/** Readable by day and by night, and on paper. */
export const style = `
:root{color-scheme:light dark;--ink:#1d2733;--quiet:#5c6b7a;--paper:#fff;--line:#dde3ea;--a:#0b6e99;--b:#d9822b;--c:#7a5195;--d:#4c9a6a;--e:#b8434e;--shade:#f3ead7}
@media (prefers-color-scheme:dark){:root{--ink:#e3e9ef;--quiet:#93a1af;--paper:#141a21;--line:#2c3743;--a:#4db0dc;--b:#f0a860;--c:#b797d3;--d:#7cc79a;--e:#e8808a;--shade:#332b1b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1180px;margin:2rem auto;padding:0 1.2rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .5rem}
.machine{color:var(--quiet)}
table{border-collapse:collapse;font-size:.88rem;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{color:var(--quiet);font-weight:600}th.number,td.number{text-align:right;font-variant-numeric:tabular-nums}.number,.met,.short{white-space:nowrap}.met{color:var(--d)}.short{color:var(--e)}
.scroll{overflow-x:auto}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));gap:1.4rem;margin-top:2rem}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:1rem}figcaption{font-weight:600;margin-bottom:.4rem}
figure p{color:var(--quiet);font-size:.82rem;margin:.3rem 0 0}svg{width:100%;height:auto;display:block}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .quiet{fill:var(--quiet)}svg .grid{stroke:var(--line)}svg .shade{fill:var(--shade)}
.s0{fill:var(--a)}.s1{fill:var(--b)}.s2{fill:var(--c)}.s3{fill:var(--d)}.s4{fill:var(--e)}.weak{fill:var(--quiet);opacity:.55}
.l0{stroke:var(--a)}.l1{stroke:var(--b)}.l2{stroke:var(--c)}.l3{stroke:var(--d)}.l4{stroke:var(--e)}[class^=l]{fill:none;stroke-width:2}`;

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
