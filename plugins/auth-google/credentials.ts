/** Who we are at Google: the document of its console, or id and secret from the config. @module */
import { Fault } from '@labgate/contract'
import type { GoogleConfig } from './config.ts'

export interface Application {
  readonly clientId: string
  readonly clientSecret: string
  /** The redirect URIs that stood in the console when the document was downloaded; `undefined`: not known. */
  readonly redirectUris: readonly string[] | undefined
}

/** Reads the application. @throws Fault ERR_CONFIG (no usable document, or both spellings) */
export function applicationOf(config: GoogleConfig): Application {
  const { credentials, clientId, clientSecret } = config
  if (credentials === undefined) {
    // The schema asks for both when there is no document.
    return { clientId: clientId ?? '', clientSecret: clientSecret?.reveal() ?? '', redirectUris: undefined }
  }
  if (clientId !== undefined || clientSecret !== undefined) {
    throw new Fault('ERR_CONFIG', 'auth-google: set either `credentials` or `clientId` and `clientSecret`, not both')
  }
  return parseDocument(credentials.reveal())
}

function parseDocument(json: string): Application {
  const { web, ...other } = objectOf(parse(json))
  const { client_id, client_secret, redirect_uris } = objectOf(web)
  if (typeof client_id === 'string' && typeof client_secret === 'string') {
    return { clientId: client_id, clientSecret: client_secret, redirectUris: textsOf(redirect_uris) }
  }
  const kind = 'installed' in other ? 'it is of a desktop app' : 'it has no "web" with client_id and client_secret'
  const mend = 'download the JSON of an OAuth client of type "Web application"'
  throw new Fault('ERR_CONFIG', `auth-google: \`credentials\` is not usable (${kind}); ${mend}`)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // The parser's message quotes the document, which is secret.
    throw new Fault(
      'ERR_CONFIG',
      'auth-google: `credentials` is no JSON; give the file that Google’s console downloads',
    )
  }
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
