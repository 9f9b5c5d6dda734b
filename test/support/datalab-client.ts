/**
 * What datalab's official Python client (datalab-api) does with a server, call by call: the look for the meta tag, the
 * checks of `/info`, where the key comes from, and an error class by status. Written anew from its behaviour.
 * @module
 */

/** What the client raises. */
export class DatalabApiError extends Error {
  readonly status: number | undefined
  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}
/** What it raises for 409. */
export class DuplicateItemError extends DatalabApiError {}

/** The client once it is set up. */
export interface DatalabClient {
  /** Where it found the API. */
  readonly url: string
  readonly info: { readonly attributes: Readonly<Record<string, unknown>> }
  readonly blocks: readonly unknown[]
  readonly prefix: string | undefined
  /** The variable in which it looks for the key first. */
  readonly keyVariable: string
  authenticate(): Promise<Readonly<Record<string, unknown>>>
  /** `_request`: follows redirects, checks the status, parses. */
  request(method: string, path: string, options?: RequestOptions): Promise<Record<string, unknown>>
}

interface RequestOptions {
  readonly expected?: readonly number[]
  readonly json?: unknown
}

const agent = { 'user-agent': 'Datalab Python API/0.2.0' }

/** Sets the client up at an address of an API or of a web application. */
export async function datalabClient(
  address: string,
  environment: Readonly<Record<string, string>>,
  options: { readonly elevated?: boolean } = {},
): Promise<DatalabClient> {
  const start = address.startsWith('http') ? address : `https://${address}`
  // Without following redirects, and without the key.
  const first = await fetch(start, { redirect: 'manual', headers: { 'user-agent': 'python-httpx/0.28' } })
  const tag = /<meta name="x_datalab_api_url" content="(.*?)">/i.exec(await first.text())
  const url = tag?.[1] ?? start
  const headers: Record<string, string> = { ...agent }

  const request: DatalabClient['request'] = async (method, path, { expected = [200], json } = {}) => {
    const target = new URL(`${url}${path}`)
    if (options.elevated && method === 'GET') target.searchParams.set('sudo', '1')
    const answer = await fetch(target, {
      method,
      headers: { ...headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    return parsed(answer, expected)
  }
  const info = (await request('GET', '/info')).data as DatalabClient['info']
  const blocks = (await request('GET', '/info/blocks')).data as readonly unknown[]
  const { available_api_versions: versions, identifier_prefix: prefix } = info.attributes as {
    available_api_versions: readonly string[]
    identifier_prefix?: string
  }
  const isKnown = versions.some((version) => {
    const [major, minor, ...rest] = version.split('.').map(Number)
    return rest.length === 1 && major === 0 && minor === 1
  })
  if (!isKnown) throw new Error(`no supported API version in ${versions}`)
  if (typeof info.attributes.server_version !== 'string') throw new Error('no server_version')
  const keyVariable = `${(prefix ?? '').toUpperCase()}_DATALAB_API_KEY`
  const key = (prefix === undefined ? undefined : environment[keyVariable]) ?? environment.DATALAB_API_KEY
  if (key === undefined) throw new Error(`no API key in ${keyVariable}`)
  headers['DATALAB-API-KEY'] = key.replace(/^'+|'+$/g, '').replace(/^"+|"+$/g, '')
  const authenticate = () => request('GET', '/get-current-user/')
  return { url, info, blocks, prefix, keyVariable, authenticate, request }
}

async function parsed(answer: Response, expected: readonly number[]): Promise<Record<string, unknown>> {
  const { status, url } = answer
  const body = await answer.text()
  const said = messageIn(body)
  if (status === 401 || status === 403)
    throw new DatalabApiError(`HTTP ${status} error at ${url}: ${said}. Authentication failed.`, status)
  if (!expected.includes(status)) {
    if (status === 409) throw new DuplicateItemError(`Duplicate item error at ${url}: ${said}`, status)
    if (status === 404) throw new DatalabApiError(`HTTP 404 Not Found at ${url}: ${said}`, status)
    if (status === 429) throw new DatalabApiError(`HTTP 429 Too Many Requests at ${url}: ${said}`, status)
    throw new DatalabApiError(`HTTP ${status} error at ${url}: ${said}`, status)
  }
  if (status === 204 || status === 304) return {}
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    throw new DatalabApiError(`Invalid JSON response from ${url}: ${body}`, status)
  }
}

function messageIn(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: unknown }).message ?? body)
  } catch {
    return body
  }
}
