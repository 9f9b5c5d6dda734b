/**
 * The credential that Google is asked with: of a key file, of the machine, or of an account that either may act as.
 *
 * Not by google-auth-library, which would replace some ninety lines of ours: its `DownscopedClient` gives the exchange a
 * transport of its own, `Compute` asks through `gcp-metadata` and the process's environment, and `JWT` knows one token
 * address; so three of four requests would pass by `context.fetch` and its guard, and errors would carry what was sent.
 * `google-library.test.ts` holds our requests against those of the library.
 * @module
 */
import { Fault } from '@labgate/contract'
import { importPKCS8, SignJWT } from 'jose'
import type { NgauthConfig } from './config.ts'
import { askJson, askToken, type GoogleToken, type Wire } from './exchange.ts'

const scope = 'https://www.googleapis.com/auth/cloud-platform'
const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** Gets a fresh credential at each call. */
export type Source = () => Promise<GoogleToken>

/** Makes the source that the config names. @throws Fault ERR_CONFIG */
export function sourceOf(wire: Wire, { credentials, google }: NgauthConfig): Source {
  const { serviceAccountKey, metadata, impersonate } = credentials
  if ((serviceAccountKey === undefined) !== metadata)
    throw new Fault('ERR_CONFIG', 'credentials: give one of serviceAccountKey and metadata')
  const own =
    serviceAccountKey === undefined
      ? ofMachine(wire, google.metadata)
      : ofKey(wire, readKey(serviceAccountKey.reveal()))
  return impersonate === undefined ? own : asAnother(wire, { own, email: impersonate, base: google.iamCredentials })
}

interface Key {
  readonly email: string
  readonly id: string
  readonly pem: string
  readonly tokenUri: string
}

function readKey(text: string): Key {
  const wrong = () =>
    new Fault('ERR_CONFIG', 'credentials.serviceAccountKey is not a JSON key file of a service account')
  let file: Readonly<Record<string, unknown>>
  try {
    file = JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    // Without its cause, which quotes the file.
    throw wrong()
  }
  const { client_email: email, private_key_id: id, private_key: pem, token_uri: tokenUri } = file ?? {}
  if (typeof email !== 'string' || typeof id !== 'string' || typeof pem !== 'string' || typeof tokenUri !== 'string')
    throw wrong()
  if (!URL.canParse(tokenUri)) throw wrong()
  return { email, id, pem, tokenUri }
}

/** RFC 7523 §2.1, as Google takes it. */
function ofKey(wire: Wire, key: Key): Source {
  return async () => {
    const now = Math.floor(wire.clock.now().getTime() / 1000)
    const signing = await importPKCS8(key.pem, 'RS256').catch(() => {
      throw new Fault('ERR_CONFIG', 'credentials.serviceAccountKey has no usable private_key')
    })
    const assertion = await new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.id })
      .setIssuer(key.email)
      .setAudience(key.tokenUri)
      .setIssuedAt(now)
      .setExpirationTime(now + 3600)
      .sign(signing)
    const what = 'the token request of the service account'
    return askToken(wire, { what, url: key.tokenUri, grant: bearerGrant, parameters: { assertion } })
  }
}

function ofMachine(wire: Wire, base: string): Source {
  const url = `${base}/computeMetadata/v1/instance/service-accounts/default/token`
  const what = 'the request to the metadata server'
  return async () => {
    const answer = await askJson(wire, { what, url, init: { headers: { 'Metadata-Flavor': 'Google' } } })
    const seconds = Number(answer.expires_in)
    return tokenOf(wire, { what, value: answer.access_token, endsAt: wire.clock.now().getTime() + seconds * 1000 })
  }
}

function asAnother(wire: Wire, { own, email, base }: { own: Source; email: string; base: string }): Source {
  const url = `${base}/v1/projects/-/serviceAccounts/${encodeURIComponent(email)}:generateAccessToken`
  const what = 'the impersonation'
  return async () => {
    const { value } = await own()
    const answer = await askJson(wire, {
      ...{ what, url, refused: `give the service account the role “Service Account Token Creator” on ${email}` },
      init: {
        method: 'POST',
        headers: { authorization: `Bearer ${value}`, 'content-type': 'application/json' },
        body: JSON.stringify({ delegates: [], scope: [scope], lifetime: '3600s' }),
      },
    })
    return tokenOf(wire, { what, value: answer.accessToken, endsAt: Date.parse(String(answer.expireTime)) })
  }
}

function tokenOf({ id }: Wire, given: { what: string; value: unknown; endsAt: number }): GoogleToken {
  const { what, value, endsAt } = given
  if (typeof value === 'string' && value !== '' && Number.isFinite(endsAt)) return { value, endsAt }
  throw new Fault('ERR_UPSTREAM', `authz-ngauth "${id}": ${what} had no usable answer`)
}
