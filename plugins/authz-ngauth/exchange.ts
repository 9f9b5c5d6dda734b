/** The wire to Google: the library over the guarded fetch, and faults that say which call failed and nothing secret. @module */
import { type AuthzContext, Fault, isFault } from '@labgate/contract'
import * as oauth from 'oauth4webapi'

/** An access token of Google and its end, in milliseconds since 1970. */
export interface GoogleToken {
  readonly value: string
  readonly endsAt: number
}

export type Wire = Pick<AuthzContext, 'id' | 'clock' | 'fetch'>

/** Asks a token endpoint by an extension grant (RFC 6749 §4.5). @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED */
export async function askToken(
  wire: Wire,
  ask: {
    readonly what: string
    readonly url: string
    readonly grant: string
    readonly parameters: Readonly<Record<string, string>>
    /** Whose end counts where the answer names none. */
    readonly within?: GoogleToken
  },
): Promise<GoogleToken> {
  const server = { issuer: new URL(ask.url).origin, token_endpoint: ask.url }
  // Google knows this caller by what is in the form; it is no client.
  const client = { client_id: 'none' }
  const unnamed: oauth.ClientAuth = () => undefined
  return explained(wire, ask, async () => {
    const response = await oauth.genericTokenEndpointRequest(server, client, unnamed, ask.grant, ask.parameters, {
      [oauth.customFetch]: (url, init) => wire.fetch(url, init as RequestInit),
      // The address is the operator's own: https unless they wrote otherwise for a test.
      [oauth.allowInsecureRequests]: true,
    })
    const answer = await oauth.processGenericTokenEndpointResponse(server, client, response)
    const now = wire.clock.now().getTime()
    const said = typeof answer.expires_in === 'number' ? now + answer.expires_in * 1000 : Number.POSITIVE_INFINITY
    const endsAt = Math.min(said, ask.within?.endsAt ?? now + 3_600_000)
    return { value: answer.access_token, endsAt }
  })
}

/** Asks an API of Google for JSON. @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED */
export async function askJson(
  wire: Wire,
  ask: { readonly what: string; readonly url: string; readonly init?: RequestInit; readonly refused?: string },
): Promise<Readonly<Record<string, unknown>>> {
  return explained(wire, ask, async () => {
    const response = await wire.fetch(ask.url, ask.init)
    if (!response.ok) {
      await response.body?.cancel()
      throw refusal(wire, { ...ask, said: String(response.status), status: response.status })
    }
    const json: unknown = await response.json()
    if (typeof json !== 'object' || json === null) throw new SyntaxError('no object')
    return json as Readonly<Record<string, unknown>>
  })
}

interface Asked {
  readonly what: string
  readonly url: string
  readonly refused?: string
}

async function explained<T>(wire: Wire, ask: Asked, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isFault(error)) throw error
    const inside = (error as { cause?: unknown }).cause
    if (isFault(inside)) throw inside
    if (error instanceof oauth.ResponseBodyError)
      throw refusal(wire, { ...ask, said: error.error.slice(0, 80), status: error.status })
    const { name, code } = error as { name?: string; code?: string }
    // Not the error itself: the library's carry what was answered.
    throw new Fault('ERR_UPSTREAM', `${named(wire, ask)} had no usable answer`, { detail: { name, code } })
  }
}

function refusal(wire: Wire, ask: Asked & { said: string; status: number }): Fault {
  const message = `${named(wire, ask)} was answered ${ask.said}`
  if (ask.status >= 500 || ask.status === 429) return new Fault('ERR_UPSTREAM', message)
  return new Fault('ERR_UPSTREAM_REFUSED', ask.refused === undefined ? message : `${message}; ${ask.refused}`)
}

function named({ id }: Wire, { what, url }: Asked): string {
  return `authz-ngauth "${id}": ${what} at ${new URL(url).host}`
}
