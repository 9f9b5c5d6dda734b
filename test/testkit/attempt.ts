/** What the core hands to a sign-in: attempts, asks and replies. @module */
import { createHash } from 'node:crypto'
import type { Attempt, AuthContext, SignInAsk, SignInReply, VisitAsk } from '@labgate/contract'

/** One try to sign in, as the core makes it: everything in it is new. */
export function attemptFor(context: AuthContext, changes: Partial<Attempt> = {}): Attempt {
  const { id: instance, random, redirectUri } = context
  const id = random.token()
  return {
    id,
    state: random.token(),
    nonce: random.token(),
    codeVerifier: random.token(),
    redirectUri,
    secretUri: new URL(`/sign-in/${instance}/a/${random.token()}`, redirectUri),
    visitUri: new URL(`/sign-in/${instance}/visit?attempt=${id}`, redirectUri),
    purpose: 'sign-in',
    fresh: false,
    kept: undefined,
    ...changes,
  }
}

/** What a person asks who clicks the button, with the fields they filled in. */
export function signInAsk(
  input: Readonly<Record<string, string>> = {},
  changes: Partial<Omit<SignInAsk, 'input'>> = {},
): SignInAsk {
  return {
    locale: 'en',
    clientName: 'Example Viewer',
    loginHint: undefined,
    address: '192.0.2.10',
    input: new URLSearchParams(input),
    ...changes,
  }
}

/** A form of the attempt's page, filled in and posted. */
export function formReply(fields: Readonly<Record<string, string>>, changes: Partial<SignInReply> = {}): SignInReply {
  return {
    via: 'form',
    method: 'POST',
    url: new URL('https://gate.example/interaction/form'),
    body: new URLSearchParams(fields),
    locale: 'en',
    address: '192.0.2.10',
    ...changes,
  }
}

/** The upstream's redirect back to us. */
export function callbackReply(url: URL, changes: Partial<SignInReply> = {}): SignInReply {
  return {
    via: 'callback',
    method: 'GET',
    url,
    body: new URLSearchParams(),
    locale: 'en',
    address: '192.0.2.10',
    ...changes,
  }
}

/** The button on a page that was opened by `visitUri`, in the browser that began. */
export function visitReply(url: URL, changes: Partial<SignInReply> = {}): SignInReply {
  return { ...formReply({}), via: 'visit', url, ...changes }
}

/** A look at a visited page. */
export function visitAsk(url: URL, attempt: Attempt | undefined, changes: Partial<VisitAsk> = {}): VisitAsk {
  return { url, locale: 'en', sameBrowser: true, attempt, ...changes }
}

/** The PKCE challenge of an attempt (RFC 7636 §4.2), for upstreams played in a test. */
export function challengeOf({ codeVerifier }: Attempt): string {
  return createHash('sha256').update(codeVerifier).digest('base64url')
}
