/**
 * A caller of the admin API that holds every answer against the OpenAPI document of the server it asks, and notes
 * which operations were called.
 * @module
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import type { Json } from '@labgate/contract'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/** One request. */
export interface ApiCall {
  readonly params?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number>>
  readonly body?: unknown
  /** The body as it is sent, instead of `body`. */
  readonly raw?: string
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** The address it comes from: what fails is counted by address. */
  readonly from?: string
}

/** What came back. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Json
  /** The error's code, if it is one. */
  readonly code: string | undefined
}

interface Documented {
  readonly operationId: string
  readonly security?: readonly unknown[]
  readonly requestBody?: unknown
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema: object }>>

/** An operation of the document. */
export interface ApiOperation extends Documented {
  readonly method: string
  readonly path: string
}

/** The API as its document describes it. */
export interface ApiClient {
  readonly operations: readonly ApiOperation[]
  /** Ids of operations that went well at least once. */
  readonly called: ReadonlySet<string>
  call(id: string, call?: ApiCall): Promise<ApiAnswer>
  /** A call that must go well: answers its body. */
  well<T = never>(id: string, call?: ApiCall): Promise<T>
}

/** Reads the document of a server and makes a caller. */
export async function apiClient(issuer: string): Promise<ApiClient> {
  const document = (await (await fetch(new URL('/api/admin/v1/openapi.json', issuer))).json()) as {
    paths: Record<string, Record<string, Documented>>
    components: { responses: Record<string, { content: Content }> }
  }
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, one]) => ({ ...one, path, method: method.toUpperCase() })),
  )
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ ...document, $id: 'api' })
  const called = new Set<string>()

  const assertDocumented = (operation: ApiOperation, { status, headers, body }: ApiAnswer) => {
    const response = operation.responses[status]
    const where = `${operation.operationId} ${status}`
    assert.ok(response, `${where} is not documented: ${JSON.stringify(body)}`)
    const content = response.$ref
      ? document.components.responses[response.$ref.split('/').at(-1) ?? '']?.content
      : response.content
    if (content === undefined) return assert.equal(body, null, where)
    const [[type, { schema }]] = Object.entries(content) as [[string, { schema: object }]]
    assert.equal(String(headers['content-type']).split(';')[0], type, where)
    const check = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')))
    assert.ok(check(body), `${where}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(body)}`)
  }
  const call = async (id: string, asked: ApiCall = {}): Promise<ApiAnswer> => {
    const operation = operations.find(({ operationId }) => operationId === id)
    assert.ok(operation, `there is no operation ${id}`)
    const answer = await send(urlOf(issuer, operation, asked), operation.method, asked)
    assertDocumented(operation, answer)
    if (answer.status < 300) called.add(id)
    return answer
  }
  return {
    operations,
    called,
    call,
    async well(id, asked) {
      const { status, body } = await call(id, asked)
      assert.ok(status < 300, `${id}: ${status} ${JSON.stringify(body)}`)
      // The schema of the document was checked; the test says which type it reads it as.
      return body as never
    },
  }
}

function urlOf(issuer: string, { path }: ApiOperation, { params = {}, query = {} }: ApiCall): URL {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? 'nothing'))
  const url = new URL(`/api/admin/v1${filled}`, issuer)
  for (const [name, value] of Object.entries(query)) url.searchParams.append(name, String(value))
  return url
}

/** A request from a chosen address of this machine. */
export function send(url: URL, method: string, { body, raw, token, headers, from }: ApiCall): Promise<ApiAnswer> {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        ...(from === undefined ? {} : { localAddress: from }),
        family: 4,
        headers: {
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
      },
      (incoming) => {
        const parts: Buffer[] = []
        incoming.on('data', (part: Buffer) => parts.push(part))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const answered = Buffer.concat(parts).toString()
          const isFile = incoming.headers['content-disposition']?.startsWith('attachment')
          const parsed = answered === '' ? null : isFile ? answered : (JSON.parse(answered) as Json)
          const code = (parsed as { code?: unknown } | null)?.code
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: parsed,
            code: typeof code === 'string' ? code : undefined,
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}
