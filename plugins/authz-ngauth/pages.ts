/** The few pages of ngauth: bare HTML, because they carry one small script and the message for the window that waits. @module */
import type { RouteReply } from '@labgate/contract'

/** What a page says. */
interface Words {
  readonly title: string
  readonly text: readonly string[]
}

/** A page, and what it tells the window that opened it. */
export interface PopupPage extends Words {
  readonly nonce: string
  /** Sent to this origin and to no other. */
  readonly message?: { readonly data: string | { readonly token: string }; readonly origin: string }
}

/** A page of the popup. It closes when the message could be sent; where nobody waits, its words are read. */
export function popupPage({ title, text, nonce, message }: PopupPage): RouteReply {
  const script =
    message === undefined
      ? ''
      : `<script nonce="${nonce}">if(window.opener){window.opener.postMessage(${inScript(message.data)},${inScript(message.origin)});window.close()}</script>`
  const body = `<h1>${escaped(title)}</h1>${text.map((one) => `<p>${escaped(one)}</p>`).join('')}${script}`
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    },
    body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style nonce="${nonce}">body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}</style></head><body><main>${body}</main></body></html>`,
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}

/** JSON that cannot end the script it stands in. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
