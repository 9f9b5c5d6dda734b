/**
 * What is stored of what the Provider keeps: never the value of a token or a code, which is its own name, so that nothing that
 * is stored and no key of ours gives it back.
 * @module
 */
import type { AdapterPayload } from 'oidc-provider'

/** Found by their names alone: whoever finds one has said it. */
const foundByName: ReadonlySet<string> = new Set([
  ...['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'PushedAuthorizationRequest', 'RefreshToken'],
  ...['RegistrationAccessToken', 'ReplayDetection'],
])

/** Which one it is, in the library's words. */
export interface Named {
  readonly model: string
  readonly id: string
}

/** The payload without what its row is found by. */
export function storedPayload({ model, id }: Named, payload: AdapterPayload): AdapterPayload {
  if (!foundByName.has(model) || payload.jti !== id || payload.kind !== model) return payload
  const { jti: _, kind: __, ...rest } = payload
  return rest
}

/** The payload as the library gave it; earlier versions stored it whole. */
export function wholePayload({ model, id }: Named, payload: AdapterPayload): AdapterPayload {
  return foundByName.has(model) && payload.jti === undefined ? { ...payload, jti: id, kind: model } : payload
}
