/** What `labgate doctor` finds at an OpenID provider. @module */
import { type Finding, isFault, type Json } from '@labgate/contract'
import type { SignIn } from './sign-in.ts'

interface Wishes {
  readonly issuer: string
  readonly scopes: readonly string[]
}

/** Asks the provider for its metadata, and looks whether it offers what we need. */
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
