/** The pages of the demo application. @module */
import type { IDToken, UserInfoResponse } from 'openid-client'
import { type Html, html } from './page.ts'

interface Content {
  readonly title: string
  readonly body: Html
}

/** The tokens of one person, as they came. */
export interface Tokens {
  readonly access_token: string
  readonly id_token?: string | undefined
  readonly refresh_token?: string | undefined
}

/** What the application was told. */
export interface Seen {
  readonly notice: string | undefined
  readonly issuer: string
  readonly idToken: IDToken
  readonly userinfo: UserInfoResponse
  readonly tokens: Tokens
}

/** Before anybody signed in. */
export function welcomePage({ notice, issuer }: { notice: string | undefined; issuer: string }): Content {
  const body = html`${noticeOf(notice)}<h1>Hello, whoever you are</h1>
<p>This stands for any service of your lab. It knows nobody by itself: it asks Labgate who you are, and then shows you
everything that it was told, each claim with where it came from.</p>
<div class="row"><a class="button" href="/sign-in">Sign in with Labgate</a></div>
<p class="soft">Labgate is at <a href="${issuer}">${issuer}</a>. If you are signed in there, you will be let through at once.</p>`
  return { title: 'Welcome', body }
}

/** After the sign-in. */
export function seenPage(seen: Seen): Content {
  const name = String(seen.userinfo.name ?? seen.userinfo.preferred_username ?? seen.idToken.sub)
  const body = html`${noticeOf(seen.notice)}<h1>Hello, ${name}</h1>
<p>Labgate vouches for you. Here is everything this application was told.</p>
${actions(seen)}
<h2>Claims</h2>${claims(seen)}
<h2>Tokens</h2>
<p class="soft">A real application never shows these; this one was made to.</p>
${jwt('ID token', seen.tokens.id_token)}${jwt('Access token', seen.tokens.access_token)}${jwt('Refresh token', seen.tokens.refresh_token)}`
  return { title: `Signed in as ${name}`, body }
}

/** Something did not work. */
export function troublePage(words: string): Content {
  return {
    title: 'That did not work',
    body: html`<h1>That did not work</h1><p>${words}</p><div class="row"><a class="button" href="/">Back to the start</a></div>`,
  }
}

function noticeOf(notice: string | undefined): Html | undefined {
  return notice === undefined ? undefined : html`<p class="note" role="status">${notice}</p>`
}

function actions({ tokens }: Seen): Html {
  const keep = html`<a class="plain" href="/sign-in?keep">Ask for a refresh token</a>`
  const refresh = html`<form method="post" action="/refresh"><button class="plain">Refresh tokens</button></form>`
  return html`<div class="row"><form method="post" action="/sign-out"><button class="button">Sign out</button></form>
${tokens.refresh_token === undefined ? keep : refresh}
<a class="plain" href="/sign-in?prompt=none">Sign in silently</a>
<a class="plain" href="/sign-in?prompt=login">Prove it is you</a>
<a class="plain" href="/sign-in?prompt=select_account">Choose an account</a></div>`
}

/** A demo Labgate adds it: where each claim came from, by the claim's name. */
const sourcesMember = 'labgate_sources'
/** Of the protocol, not of the person; the decoded token shows them. */
const plumbing = new Set([
  'iss',
  'aud',
  'exp',
  'iat',
  'nonce',
  'at_hash',
  's_hash',
  'sid',
  'auth_time',
  'azp',
  'amr',
  'acr',
  sourcesMember,
])

function claims({ idToken, userinfo, issuer }: Seen): Html {
  const all = Object.entries({ ...idToken, ...userinfo }).filter(([name]) => !plumbing.has(name))
  const rows = all.map(
    ([name, value]) =>
      html`<tr><th scope="row">${name}</th><td>${shown(value)}</td><td>${sourceOf(userinfo, { name, issuer })}</td></tr>`,
  )
  return html`<table class="claims"><thead><tr><th scope="col">Claim</th><th scope="col">Value</th><th scope="col">Where it came from</th></tr></thead><tbody>${rows}</tbody></table>`
}

function sourceOf(userinfo: UserInfoResponse, { name, issuer }: { name: string; issuer: string }): string {
  const sources = userinfo[sourcesMember]
  const said = typeof sources === 'object' && sources !== null ? (sources as Record<string, unknown>)[name] : undefined
  if (typeof said === 'string') return said
  return name === 'sub' ? 'Labgate’s own id of your account' : `Labgate at ${new URL(issuer).host}`
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
  if (isList) return value.length === 0 ? 'none' : value.join(', ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return JSON.stringify(value)
}

function jwt(title: string, token: string | undefined): Html | undefined {
  if (token === undefined || token === '') return undefined
  const parts = token.split('.').slice(0, 2).map(decoded)
  const [head, payload] = parts
  const inside =
    head === undefined || payload === undefined
      ? html`<p>Opaque: it means something to Labgate only, and can be taken back at any time.</p>`
      : html`<p>Header</p><pre>${head}</pre><p>Claims</p><pre>${payload}</pre>`
  return html`<details><summary>${title}</summary>${inside}<p>As it is</p><pre>${token}</pre></details>`
}

function decoded(part: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(Buffer.from(part, 'base64url').toString()), undefined, 2)
  } catch {
    return undefined // not a JWT
  }
}
