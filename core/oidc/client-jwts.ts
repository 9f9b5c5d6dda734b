/**
 * JWTs that clients get for themselves are stored nowhere. The `jti` of each says, by a digest that only we can make, that it was
 * issued as it stands to this very client; what is kept is that one was revoked, until it would have ended anyway.
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '@labgate/contract'
import type { Adapter, AdapterPayload } from 'oidc-provider'

/** What a JWT of a client says, as far as something depends on it. */
export interface ClientJwtClaims {
  readonly jti: string
  readonly client_id: string
  readonly iat: number
  readonly exp: number
  readonly aud?: unknown
  readonly scope?: string | undefined
  readonly cnf?: { readonly jkt?: string | undefined } | undefined
}

/** A client as it is now: one that was removed and made anew is another. */
export interface ClientLife {
  readonly labgate_since?: number | undefined
  /** When another one of this name ended, in milliseconds: what was issued until then was its. */
  readonly labgate_ended?: number | undefined
}

export interface ClientJwtNeeds {
  readonly clock: Clock
  /** Secret that digests are made with. */
  readonly secret: string
  /** Absent: there is none of this name any more. */
  client(id: string): Promise<ClientLife | undefined>
}

/** The `jti` of a JWT that is about to be signed, from the one that it would have had. */
export function clientJwtId(secret: string, claims: ClientJwtClaims, client: ClientLife): string {
  const { jti, client_id: id, iat, exp, aud, scope, cnf } = claims
  const said = JSON.stringify([jti, id, client.labgate_since ?? 0, iat, exp, aud, scope ?? '', cnf?.jkt ?? ''])
  return `${jti}.${digest(secret, `client-jwt:${said}`)}`
}

/** Whether it is one of these; others have a record. */
export function isClientJwt({ jti }: { readonly jti?: string | undefined }): boolean {
  return jti?.includes('.') === true
}

/** What stands in the place of a verified JWT where the library looks for a token; nobody else can make it. */
export function clientJwtName(secret: string, claims: ClientJwtClaims): string {
  const said = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return `${said}~${digest(secret, `client-jwt-name:${said}`)}`
}

/** Tokens of clients: those with a record, and by their names those without. */
export function answeringForClientJwts(records: Adapter, needs: ClientJwtNeeds): Adapter {
  const now = () => Math.floor(needs.clock.now().getTime() / 1000)
  const markOf = (claims: ClientJwtClaims) => digest(needs.secret, `client-jwt-revoked:${claims.jti}`)
  return {
    ...records,
    async find(id) {
      const claims = claimsOf(needs.secret, id)
      if (claims === undefined) return records.find(id)
      if (claims.exp <= now() || !(await isOfClient(claims, needs)) || (await records.find(markOf(claims))))
        return undefined
      const { client_id: clientId, iat, exp, scope, cnf } = claims
      // The audience is left out, as in a record: it is for resource servers only.
      return { kind: 'ClientCredentials', jti: id, clientId, iat, exp, scope, jkt: cnf?.jkt } as AdapterPayload
    },
    async destroy(id) {
      const claims = claimsOf(needs.secret, id)
      if (claims === undefined) return records.destroy(id)
      const mark = { kind: 'RevokedClientJwt', exp: claims.exp } as AdapterPayload
      await records.upsert(markOf(claims), mark, Math.max(1, claims.exp - now()))
    },
  }
}

function claimsOf(secret: string, name: string): ClientJwtClaims | undefined {
  const [said = '', proof] = name.split('~')
  if (proof === undefined || !areEqual(proof, digest(secret, `client-jwt-name:${said}`))) return undefined
  return JSON.parse(Buffer.from(said, 'base64url').toString()) as ClientJwtClaims
}

/** Issued by us, and to the client that goes by this name now. */
async function isOfClient(claims: ClientJwtClaims, needs: ClientJwtNeeds): Promise<boolean> {
  const client = await needs.client(claims.client_id)
  if (client === undefined || claims.iat * 1000 <= (client.labgate_ended ?? -1)) return false
  const [jti = ''] = claims.jti.split('.')
  return areEqual(claims.jti, clientJwtId(needs.secret, { ...claims, jti }, client))
}

function digest(secret: string, value: string): string {
  return createHmac('sha256', secret).update(value).digest('base64url')
}

function areEqual(one: string, other: string): boolean {
  // Compared as bytes: of signs that are none of ours, as many may be more of them.
  const [given, own] = [Buffer.from(one), Buffer.from(other)]
  return given.length === own.length && timingSafeEqual(given, own)
}
