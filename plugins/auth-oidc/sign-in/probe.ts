/** What `labgate doctor` finds at an OpenID provider. @module */
import { type Finding, isFault, type Json } from '@labgate/contract'
import type { SignIn } from './sign-in.ts'

interface Wishes {
  readonly issuer: string
  readonly scopes: readonly string[]
  /** Credentials of the config; self-registration makes its own, and has none to be wrong. */
  readonly client: object
}

/** Asks the provider for its metadata, and looks whether it offers what we need and takes our credentials. */
export async function* probe(signIn: SignIn, wishes: Wishes): AsyncIterable<Finding> {
  const what = `the provider at ${wishes.issuer} answers`
  const server = await signIn.look().catch((error: unknown) => {
    if (isFault(error)) return error
    throw error
  })
  if (isFault(server)) {
    yield { ok: false, what, mend: server.message }
    return
  }
  yield { ok: true, what }
  yield* missing(server, wishes)
  if ('clientId' in wishes.client) yield* credentials(signIn)
}

/**
 * Offers a refresh token that is none: who refuses only the token (RFC 6749 §5.2 invalid_grant) has accepted us. Some
 * refuse it for other reasons, which says nothing about the credentials.
 */
async function* credentials(signIn: SignIn): AsyncIterable<Finding> {
  const what = 'it takes our credentials'
  const answer = await signIn.refresh('not-a-token').catch((error: unknown) => {
    if (isFault(error)) return error
    throw error
  })
  if (!isFault(answer)) yield { ok: true, what }
  else if (answer.detail.error === 'invalid_client') yield { ok: false, what, mend: answer.message }
}

function* missing(server: Readonly<Record<string, unknown>>, wishes: Wishes): Iterable<Finding> {
  const offered = (key: string): readonly Json[] | undefined => {
    const list = server[key]
    return Array.isArray(list) ? list : undefined
  }
  const scopes = wishes.scopes.filter((scope) => offered('scopes_supported')?.includes(scope) === false)
  if (scopes.length > 0) yield { ok: false, what: `it does not list ${scopes.join(', ')}`, mend: 'check scopes' }
  if (offered('code_challenge_methods_supported')?.includes('S256') === false) {
    yield { ok: false, what: 'it does not list PKCE with S256', mend: 'ask its operator to switch PKCE on' }
  }
}
