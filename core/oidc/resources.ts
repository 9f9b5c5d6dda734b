/** Resource servers (RFC 8707): which tokens they take, and how long those live. @module */
import { errors } from 'oidc-provider'
import { jwtLifeSeconds } from './jwt-tokens.ts'

/** What a resource server takes, as the config has it. */
export type Resources = Readonly<
  Record<
    string,
    {
      readonly scopes: readonly string[]
      readonly format: 'opaque' | 'jwt'
      readonly life: number
      readonly alg: string
    }
  >
>

/** What the Provider must know of one. @throws errors.InvalidTarget for one that nobody configured */
export function resourceServer(resources: Resources, resource: string) {
  const found = Object.hasOwn(resources, resource) ? resources[resource] : undefined
  if (!found) throw new errors.InvalidTarget()
  const isJwt = found.format === 'jwt'
  return {
    scope: found.scopes.join(' '),
    audience: resource,
    accessTokenFormat: found.format,
    accessTokenTTL: isJwt ? Math.min(found.life, jwtLifeSeconds) : found.life,
    ...(isJwt ? { jwt: { sign: { alg: found.alg as 'RS256' } } } : {}),
  }
}

/** Seconds; a resource server's tokens live as its config says. */
export function lifeOf(token: object): number {
  return (token as { resourceServer?: { accessTokenTTL?: number } }).resourceServer?.accessTokenTTL ?? 900
}
