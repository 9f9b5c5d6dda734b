/** What the quick answers of the Provider share: who asks, proven by a secret, and the form of an answer. @module */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { QuickAnswer } from '../../http/provider.ts'

/** The library's client, as far as its types do not name it. */
export interface QuickClient {
  readonly clientId: string
  readonly clientAuthMethod: string
  readonly scope?: string
  readonly subjectType?: string
  readonly userinfoSignedResponseAlg?: string
  readonly userinfoEncryptedResponseAlg?: string
  readonly dpopBoundAccessTokens?: boolean
  readonly labgate_first_party?: boolean
  readonly labgate_profile?: string
  readonly labgate_resource?: string
  grantTypeAllowed(type: string): boolean
  checkClientSecretExpiration(message: string): void
  compareClientSecret(secret: string): Promise<boolean>
}

/** The library's way to its clients. */
export interface ClientFinder {
  find(id: string): Promise<QuickClient | undefined>
}

/** Id and secret of a client. */
export interface Basic {
  readonly id: string
  readonly secret: string
}

/** A client's name and secret of plain signs, by HTTP Basic; others are for the library to judge. */
export function basicOf({ authorization = '' }: IncomingHttpHeaders): Basic | undefined {
  // Filled up as it has to be, or not at all.
  const box = /^basic ((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/i.exec(authorization)?.[1]
  const [, id, secret] = /^([\w.~-]+):([\w.~-]+)$/.exec(Buffer.from(box ?? '', 'base64').toString('latin1')) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** What is asked of the token endpoint, and by whom. */
export interface Asked {
  readonly client: QuickClient
  readonly form: URLSearchParams
}

/** Who says to be asking: one mechanism of authentication, not two (RFC 6749 §2.3). */
export function whoOf({ headers }: IncomingMessage, form: URLSearchParams): Basic | undefined {
  if (headers['oauth-client-attestation'] !== undefined || headers['oauth-client-attestation-pop'] !== undefined)
    return undefined
  const [id, secret] = [form.get('client_id'), form.get('client_secret')]
  if (headers.authorization === undefined) return id !== null && secret !== null ? { id, secret } : undefined
  const basic = basicOf(headers)
  return secret === null && (id === null || id === basic?.id) ? basic : undefined
}

/** The client that a secret proves; `undefined`: none, or one that proves itself in another way. */
export async function secretClient({ id, secret }: Basic, clients: ClientFinder): Promise<QuickClient | undefined> {
  const client = await clients.find(id)
  if (client === undefined || !['client_secret_basic', 'client_secret_post'].includes(client.clientAuthMethod))
    return undefined
  try {
    client.checkClientSecretExpiration('')
  } catch {
    // The library says so in its own words.
    return undefined
  }
  return (await client.compareClientSecret(secret)) ? client : undefined
}

const headers = {
  'Cache-Control': 'no-store',
  Vary: 'Origin',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate',
}

/** An answer in JSON, with the headers that the library gives where no origin asks. */
export function json(body: object): QuickAnswer {
  return { type: 'application/json; charset=utf-8', text: JSON.stringify(body), headers }
}
