/**
 * GitHub's web application flow: the page that asks the person, and the token endpoint, which answers its errors with status
 * 200. Refusals and codes come back with `state` and `iss` (RFC 9207).
 * @module
 */
import { createHash, randomBytes } from 'node:crypto'
import type { GitHubAnswer, GitHubApp, GitHubAsk, GitHubState } from './github-state.ts'

/** Answers `/login/oauth/authorize` and `/login/oauth/access_token`. */
export function answerOAuth(state: GitHubState, ask: GitHubAsk): GitHubAnswer {
  if (ask.url.pathname === '/login/oauth/access_token') return inForm(ask, token(state, ask))
  return authorize(state, ask)
}

const html = { 'content-type': 'text/html; charset=utf-8' }

function authorize(state: GitHubState, { method, url, body }: GitHubAsk): GitHubAnswer {
  const asked = url.searchParams
  if (asked.get('client_id') !== state.app.clientId) return { status: 404, headers: html, text: '<h1>404</h1>' }
  const redirectUri = asked.get('redirect_uri') ?? state.app.callbacks[0] ?? ''
  const back = (to: string, parameters: Readonly<Record<string, string>>): GitHubAnswer => {
    const location = new URL(to)
    const given = { ...parameters, state: asked.get('state') ?? '', iss: `${state.url}/login/oauth` }
    for (const [name, value] of Object.entries(given)) location.searchParams.set(name, value)
    return { status: 302, headers: { location: location.href } }
  }
  if (!isRegistered(state.app, redirectUri)) {
    const description = 'The redirect_uri MUST match the registered callback URL for this application.'
    return back(state.app.callbacks[0] ?? '', { error: 'redirect_uri_mismatch', error_description: description })
  }
  const who = method === 'POST' ? body.who : asked.get('login')
  if (who === 'deny') {
    const description = 'The user has denied your application access.'
    return back(redirectUri, { error: 'access_denied', error_description: description, error_uri: `${state.url}/docs` })
  }
  const person = state.world.people.find(({ login }) => login === who)
  if (person === undefined) return page(state)
  const code = randomBytes(10).toString('hex')
  const scope = state.world.grant ?? asked.get('scope') ?? ''
  state.codes.set(code, { person, scope, redirectUri, challenge: asked.get('code_challenge') })
  return back(redirectUri, { code })
}

/** Host and port must be the registered ones, and the path the same or below (GitHub's rule for redirect URLs). */
function isRegistered({ callbacks }: GitHubApp, redirectUri: string): boolean {
  return callbacks.some((callback) => redirectUri === callback || redirectUri.startsWith(`${callback}/`))
}

function page({ world }: GitHubState): GitHubAnswer {
  const names = [...world.people.map(({ login }) => login), 'deny']
  const buttons = names.map((name) => `<button name="who" value="${name}">${name}</button>`).join(' ')
  const text = `<!doctype html><html lang="en"><title>Test GitHub</title><main><h1>Authorize Labgate</h1><form method="post">${buttons}</form></main>`
  return { status: 200, headers: html, text }
}

type Body = Readonly<Record<string, string>>

function token(state: GitHubState, { body, method }: GitHubAsk): Body {
  const { app, codes, tokens } = state
  if (method !== 'POST') return { error: 'Not Found' }
  if (body.client_id !== app.clientId || body.client_secret !== app.clientSecret) {
    return oauthError('incorrect_client_credentials', 'The client_id and/or client_secret passed are incorrect.')
  }
  const code = String(body.code)
  const given = codes.get(code)
  codes.delete(code)
  const isBound =
    given?.challenge === null ||
    given?.challenge === createHash('sha256').update(String(body.code_verifier)).digest('base64url')
  if (given === undefined || !isBound)
    return oauthError('bad_verification_code', 'The code passed is incorrect or expired.')
  if (body.redirect_uri !== undefined && body.redirect_uri !== given.redirectUri)
    return oauthError('redirect_uri_mismatch', 'The redirect_uri MUST match the registered callback URL.')
  const { person } = given
  const accessToken = `gho_${randomBytes(18).toString('hex')}`
  const scopes = given.scope.split(/[\s,]+/).filter((scope) => scope !== '')
  tokens.set(accessToken, { person, scopes })
  return { access_token: accessToken, scope: scopes.sort().join(','), token_type: 'bearer' }
}

function oauthError(error: string, description: string): Body {
  return { error, error_description: description, error_uri: 'https://docs.github.com/apps/oauth' }
}

/** A form unless JSON is asked for; status 200 either way. */
function inForm({ headers }: GitHubAsk, body: Body): GitHubAnswer {
  if (headers.accept?.includes('json')) return { status: 200, json: body }
  const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return { status: 200, headers: type, text: new URLSearchParams(body).toString() }
}
