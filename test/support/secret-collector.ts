/**
 * Remembers every secret that goes over HTTP in a test: it stands before the platform's `fetch`, which browsers and
 * relying parties of the tests use, and reads cookies, codes, states, tokens, credentials and form tokens.
 * @module
 */

/** A secret and where it was first seen. */
export type Secrets = Map<string, string>

export interface SecretCollector {
  readonly secrets: Secrets
  /** Bodies of every answer with a status from 400 on. */
  readonly errorBodies: readonly string[]
  add(kind: string, value: string | undefined): void
  /** Gives `fetch` back. */
  stop(): void
}

const secretName =
  /^(?:code|state|nonce|o|token|access_token|refresh_token|id_token|id_token_hint|client_secret|code_verifier|_csrf|xsrf|password|logout_token|device_code|user_code)$/
/** Uids of interactions, states and secret addresses; ids of identities are shorter and public. */
const longSegment = /^[\w-]{40,}$/

/** Begins to collect. */
export function collectSecrets(): SecretCollector {
  const secrets: Secrets = new Map()
  const errorBodies: string[] = []
  const real = globalThis.fetch
  const add = (kind: string, value: string | undefined) => {
    if (value && value.length >= 8 && !secrets.has(value)) secrets.set(value, kind)
  }
  const addAddress = (address: string, base: URL) => {
    const url = URL.parse(address, base.href)
    if (url === null) return
    for (const [name, value] of url.searchParams) if (secretName.test(name)) add(`?${name}`, value)
    for (const part of url.pathname.split('/')) if (longSegment.test(part)) add('path', part)
  }
  const addJson = (value: unknown) => {
    for (const [name, one] of Object.entries((value ?? {}) as object))
      if (secretName.test(name) && typeof one === 'string') add(name, one)
  }
  const addPage = (html: string, base: URL) => {
    for (const [, name = '', value] of html.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g))
      if (secretName.test(name)) add(`field ${name}`, value)
    for (const [, address = ''] of html.matchAll(/(?:action|formaction)="([^"]*)"/g)) addAddress(address, base)
  }
  const addRequest = (request: Request, body: string) => {
    addAddress(request.url, new URL(request.url))
    for (const [name, value] of new URLSearchParams(body)) if (secretName.test(name)) add(`sent ${name}`, value)
    const [scheme = '', credential = ''] = (request.headers.get('authorization') ?? '').split(' ')
    if (scheme === 'Bearer') add('bearer', credential)
    if (scheme === 'Basic') add('basic', Buffer.from(credential, 'base64').toString().split(':')[1])
  }
  const addResponse = async (response: Response, base: URL) => {
    for (const line of response.headers.getSetCookie()) {
      const value = /^[^=]+=([^;]*)/.exec(line)?.[1]
      if (value && value.length >= 16) add(`cookie ${line.split('=')[0]}`, value)
    }
    for (const name of ['location', 'refresh'])
      addAddress(response.headers.get(name)?.replace(/^.*url=/, '') ?? '', base)
    const text = await response.text()
    if (response.status >= 400) errorBodies.push(text)
    if (response.headers.get('content-type')?.includes('json')) addJson(JSON.parse(text))
    else addPage(text, base)
  }
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    const body = await request.clone().text()
    const response = await real(input, init)
    addRequest(request, body)
    await addResponse(response.clone(), new URL(request.url))
    return response
  }
  return {
    secrets,
    errorBodies,
    add,
    stop: () => {
      globalThis.fetch = real
    },
  }
}
