/** The look of both demo sites: plain HTML and one style sheet, no scripts; light and dark by the reader's own setting. @module */

/** A piece of HTML whose parts are escaped already. */
export interface Html {
  readonly html: string
}

type Part = string | number | Html | undefined | readonly Html[]

/** Builds HTML; every value is escaped unless it is {@link Html} itself. */
export function html(words: TemplateStringsArray, ...values: readonly Part[]): Html {
  return { html: words.reduce((before, word, index) => before + rendered(values[index - 1]) + word) }
}

/** HTML that was made elsewhere and is trusted. */
export const raw = (text: string): Html => ({ html: text })

function rendered(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return 'html' in part ? part.html : part.map((one) => one.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)
}

export interface PageOf {
  readonly title: string
  /** The name in the head of the page. */
  readonly site: string
  readonly theme: 'university' | 'application'
  readonly body: Html
}

/** A whole page. */
export function page({ title, site, theme, body }: PageOf): string {
  return html`<!doctype html>
<html lang="en" class="${theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${site}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><div><span class="mark" aria-hidden="true"></span><strong>${site}</strong> <span class="tag">Demo</span></div></header>
<main>${body}</main>
<footer><div>A demo on this machine: made-up people, no passwords, and everything here is forgotten when it stops.</div></footer>
</body>
</html>
`.html
}

/** Headers of every page: only its own style sheet may load. */
export const pageHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
} as const

/** The style sheet, served at `/style.css`. */
export const style = `
:root { color-scheme: light dark; --paper: #f4f3f7; --card: #fff; --ink: #201d2b; --soft: #5b5669; --line: #dedbe6; --edge: #8b8599; --deep: #f4f3f7; --on: #fff; }
.university { --accent: #6d2346; } .application { --accent: #2a4d9b; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #141219; --card: #1d1a25; --ink: #ebe8f1; --soft: #aaa4b8; --line: #35303f; --edge: #7d768c; --deep: #25212e; --on: #14121a; }
  .university { --accent: #f0a3c4; } .application { --accent: #a5bffa; }
}
* { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; overflow-wrap: anywhere; }
header { border-bottom: 1px solid var(--line); background: var(--card); }
header > div, main, footer > div { width: 100%; max-width: 58rem; margin: 0 auto; padding: 1rem 1.25rem; }
.university header > div, .university main, .university footer > div { max-width: 30rem; }
header > div { display: flex; align-items: center; gap: .6rem; }
.mark { width: 1.1rem; height: 1.1rem; background: var(--accent); border-radius: 50% 50% 50% 0; }
.application .mark { border-radius: .3rem; transform: rotate(45deg) scale(.8); }
.tag { margin-left: auto; font-size: .8rem; border: 1px solid var(--edge); color: var(--soft); border-radius: 99px; padding: .05rem .6rem; }
main { flex: 1; padding-top: 2.25rem; padding-bottom: 3rem; }
footer { color: var(--soft); font-size: .875rem; border-top: 1px solid var(--line); }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
p { margin: .5rem 0 1rem; } .soft { color: var(--soft); }
a { color: var(--accent); }
.people { list-style: none; margin: 1.5rem 0 0; padding: 0; display: grid; gap: .75rem; }
.people button { display: flex; gap: 1rem; align-items: center; width: 100%; text-align: left; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .9rem 1rem; cursor: pointer; }
.people button:hover { border-color: var(--accent); }
.people .letter { flex: none; width: 2.5rem; height: 2.5rem; border-radius: 50%; display: grid; place-items: center; background: var(--accent); color: var(--on); font-weight: 600; }
.people strong { display: block; } .people small { color: var(--soft); font-size: .9rem; }
.button, .plain { display: inline-block; font: inherit; font-weight: 600; border-radius: .6rem; padding: .65rem 1.15rem; cursor: pointer; text-decoration: none; border: 1px solid var(--accent); }
.button { background: var(--accent); color: var(--on); } .plain { background: none; color: var(--accent); }
.button:hover, .plain:hover { filter: brightness(1.12); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.row { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; margin: 1.25rem 0; }
.row form { margin: 0; }
.note { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 1.5rem; }
.claims { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.claims th, .claims td { text-align: left; vertical-align: top; padding: .6rem .9rem; border-bottom: 1px solid var(--line); }
.claims tr:last-child > * { border-bottom: 0; }
.claims thead th { font-size: .85rem; color: var(--soft); font-weight: 600; }
.claims tbody th { font-weight: 600; white-space: nowrap; } .claims td { min-width: 9rem; } .claims td:last-child { color: var(--soft); }
pre { margin: .75rem 0 0; padding: .9rem 1rem; background: var(--deep); border-radius: .5rem; overflow: auto; font-size: .85rem; white-space: pre-wrap; }
details { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .75rem 1rem; margin: .75rem 0; }
summary { cursor: pointer; font-weight: 600; }
ol { padding-left: 1.25rem; } ol li { margin: .35rem 0; }
@media (max-width: 34rem) {
  .claims thead { position: absolute; clip-path: inset(50%); }
  .claims tr, .claims th, .claims td { display: block; width: 100% !important; }
  .claims tbody th { white-space: normal; }
  .claims tr > * { border-bottom: 0; padding: .1rem .9rem; }
  .claims tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  .claims tr:last-child { border-bottom: 0; }
}
`
