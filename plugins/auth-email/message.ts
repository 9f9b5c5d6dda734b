/** The one mail of a sign-in: code and link, in text and HTML. @module */
import type { Message } from '@labgate/contract'
import type { Context } from './config.ts'
import type { Issued } from './proof.ts'

/** What a mail is written from. */
export interface MessageNeeds {
  readonly to: string
  readonly purpose: 'sign-in' | 'link'
  readonly locale: string
  readonly issued: Issued
  readonly link: URL
  /** The network address that asked. */
  readonly network: string
  /** The service the person wants to go on to. */
  readonly client: string | undefined
}

/** Writes the mail. Nothing in it is fetched from anywhere, and nothing in it says whether an account exists. */
export function messageOf(context: Context, needs: MessageNeeds): Message {
  const words = wordsOf(context, needs)
  return { to: needs.to, subject: words.subject, text: plain(words), html: html(words) }
}

function wordsOf(context: Context, { purpose, locale, issued, link, network, client }: MessageNeeds) {
  const values = {
    site: oneLine(context.siteName),
    minutes: Math.ceil(context.config.codeLifetime / 60),
    time: timeIn(locale, issued.ends),
    network: oneLine(network),
    client: oneLine(client ?? ''),
  }
  const say = (key: string) => context.text(key, values, locale)
  return {
    locale,
    subject: say(`mail.subject.${purpose}`),
    title: say(`mail.title.${purpose}`),
    typeCode: say('mail.code'),
    code: `${issued.code.slice(0, 3)} ${issued.code.slice(3)}`,
    openLink: say('mail.link'),
    link: link.href,
    button: say('mail.button'),
    ends: say('mail.ends'),
    asked: say(client === undefined ? 'mail.asked' : 'mail.askedFor'),
    ignore: say('mail.ignore'),
  }
}

type Words = ReturnType<typeof wordsOf>

function plain(words: Words): string {
  return [
    words.title,
    words.typeCode,
    `    ${words.code}`,
    words.openLink,
    words.link,
    words.ends,
    words.asked,
    words.ignore,
    '',
  ].join('\n\n')
}

function html(words: Words): string {
  const text = (value: string) => escaped(value)
  return `<!doctype html>
<html lang="${text(words.locale)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${text(words.subject)}</title>
<style>
:root { color-scheme: light dark }
@media (prefers-color-scheme: dark) {
  .page { background: #14181d !important }
  .sheet { background: #1e242b !important; color: #e6eaee !important }
  .code { background: #14181d !important; color: #ffffff !important }
  .quiet { color: #a4afba !important }
  .link { color: #74cdb8 !important }
}
</style>
</head>
<body class="page" style="margin:0;padding:24px 12px;background:#f2f4f6">
<div class="sheet" style="max-width:480px;margin:0 auto;padding:28px 28px 20px;border-radius:12px;background:#ffffff;color:#1b232b;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
<h1 style="margin:0 0 16px;font-size:20px;line-height:1.3">${text(words.title)}</h1>
<p style="margin:0 0 8px">${text(words.typeCode)}</p>
<p class="code" style="margin:0 0 24px;padding:14px;border-radius:8px;background:#f2f4f6;font:600 34px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px;text-align:center">${text(words.code)}</p>
<p style="margin:0 0 12px">${text(words.openLink)}</p>
<p style="margin:0 0 12px"><a href="${text(words.link)}" style="display:inline-block;padding:11px 20px;border-radius:8px;background:#0f6657;color:#ffffff;text-decoration:none;font-weight:600">${text(words.button)}</a></p>
<p style="margin:0 0 24px;font-size:13px;word-break:break-all"><a class="link" href="${text(words.link)}" style="color:#0f6657">${text(words.link)}</a></p>
<p class="quiet" style="margin:0 0 8px;font-size:14px;color:#586470">${text(words.ends)} ${text(words.asked)}</p>
<p class="quiet" style="margin:0;font-size:14px;color:#586470">${text(words.ignore)}</p>
</div>
</body>
</html>
`
}

/** Names come from config and from clients that register themselves: one short line, without what turns text around. */
function oneLine(name: string): string {
  return name
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, 80)
}

function escaped(value: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return value.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

function timeIn(locale: string, at: Date): string {
  const [known = 'en'] = Intl.DateTimeFormat.supportedLocalesOf(valid(locale) ? locale : 'en')
  const options = { hour: '2-digit', minute: '2-digit', timeZone: 'UTC', timeZoneName: 'short' } as const
  return new Intl.DateTimeFormat(known === 'en' ? 'en-GB' : known, options).format(at)
}

function valid(locale: string): boolean {
  try {
    return Intl.getCanonicalLocales(locale).length === 1
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
