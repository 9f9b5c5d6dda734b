/**
 * Requests that nobody would send on purpose: any route, with words that are nearly right in every place where a
 * caller may put one. What they are made of is drawn by fast-check, so that a seed says them all.
 * @module
 */
import fc from './chance.ts'

/** A route as a caller sees it. */
export interface Target {
  readonly host: string
  readonly method: string
  /** With `:name`, `*name` and `{optional}` parts, as the table of routes has it. */
  readonly path: string
  /** Names that a form, a query or a JSON body may hold there. */
  readonly fields: readonly string[]
}

/** Whose credentials a request brings. */
export type Bearer = 'nobody' | 'person' | 'admin' | 'junk'

/** One request, before the world puts in cookies and tokens that live. */
export interface FuzzRequest {
  readonly target: Target
  readonly method: string
  /** Path and query, as they go over the wire. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly cookie: Bearer
  readonly token: Bearer
  /** A right CSRF token goes along, as from an open page. */
  readonly fromPage: boolean
}

/** Pieces that parsers, databases, templates and shells have tripped over. */
const traps = [
  ...['', '0', '-1', '1e999', '9007199254740993', 'NaN', 'true', 'null', 'undefined', '[]', '{}', '%', '%00', '%2e%2e'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '../../etc/passwd', '..\\..', 'a/b', 'a//b', '.', '..'],
  ...[
    "'",
    '"',
    '`',
    "' OR 1=1 --",
    '1; DROP TABLE account',
    '#{7*7}',
    '{{7*7}}',
    '<%= 1 %>',
    '<script>alert(1)</script>',
  ],
  ...['$(id)', '|id', '\n', '\r\nSet-Cookie: a=b', '\u0000', '\u202e', '\ud800', 'ﬀ', 'K', 'İ', '🙂', 'a'.repeat(5000)],
  ...['2026-02-30', '1970-01-01T00:00:00Z', '+275760-09-13T00:00:00.001Z', '1h', '-1h', '99999999999d', 'P1D'],
  ...[
    'ada@example.org',
    '@',
    'a@b@c',
    'javascript:alert(1)',
    '//evil.example',
    'https://evil.example/',
    'http://[::1',
    ':',
  ],
  ...['openid profile email', 'admin', 'code', 'none', 'login', 'S256', 'web', 'labgate', 'notebook', 'view', 'ocean'],
]

const word = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...traps) }, fc.string({ unit: 'binary', maxLength: 40 }))

const json = fc.oneof(
  word,
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(true, false, null),
  fc.jsonValue({ maxDepth: 3 }),
)

/** A body of JSON with the names that are known there. */
function objectOf(names: readonly string[]): fc.Arbitrary<unknown> {
  const name = names.length === 0 ? word : fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...names) }, word)
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(fc.tuple(name, json), { maxLength: 6 }).map((pairs) => Object.fromEntries(pairs)),
    },
    fc.jsonValue({ maxDepth: 4 }),
  )
}

function formOf(names: readonly string[]): fc.Arbitrary<string> {
  const name = names.length === 0 ? word : fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...names) }, word)
  return fc.array(fc.tuple(name, word), { maxLength: 6 }).map((pairs) => pairs.map(pairText).join('&'))
}

const pairText = ([name, value]: readonly [string, string]) => `${encoded(name)}=${encoded(value)}`

/** Percent-encoded, half surrogates too, which `encodeURIComponent` refuses. */
function encoded(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

/** What of a path may not come raw over the wire is encoded; the rest stays as odd as it is. */
function wirePath(text: string): string {
  return text.replace(/[^\u0021-\u007e]|[?#]/gu, (sign) => encoded(sign))
}

const headerValue = fc.constantFrom(
  ...[
    '',
    '*/*',
    'text/html',
    'application/json',
    'null',
    'https://evil.example',
    'same-origin',
    'cross-site',
    '1',
    '-1',
  ],
  ...[
    'gzip, br',
    'de-CH, de;q=0.9, *;q=0',
    'bytes=0-',
    'bytes=9-1',
    '"x"',
    'W/"x"',
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'websocket',
  ],
  ...['Basic Og==', 'Basic d2ViOg==', 'Basic !!!', 'Bearer', 'Bearer  x', 'DPoP x', 'a'.repeat(3000), 'POST', 'x, y'],
)

const headerName = fc.constantFrom(
  ...['accept', 'accept-language', 'origin', 'referer', 'sec-fetch-site', 'sec-fetch-mode', 'if-none-match', 'range'],
  ...[
    'access-control-request-method',
    'access-control-request-headers',
    'authorization',
    'cookie',
    'dpop',
    'te',
    'via',
  ],
  ...[
    'x-forwarded-proto',
    'x-forwarded-host',
    'forwarded',
    'x-original-uri',
    'x-csrf-token',
    'datalab-api-key',
    'prefer',
  ],
  ...[
    'if-modified-since',
    'last-event-id',
    'x-http-method-override',
    'content-encoding',
    'content-language',
    'priority',
  ],
)

const types = [
  ...['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x', ''],
  ...['application/json; charset=utf-16', 'application/xml', 'application/scim+json', 'nonsense'],
]

function bodyOf({ method, fields }: Target): fc.Arbitrary<{ body: string | undefined; type: string | undefined }> {
  const none = fc.constant({ body: undefined, type: undefined })
  const as = (type: string) => (body: string) => ({ body, type })
  const good = [
    objectOf(fields).map((value) => as('application/json')(JSON.stringify(value))),
    formOf(fields).map(as('application/x-www-form-urlencoded')),
  ]
  const odd = fc.record({
    body: fc.oneof(word, ...good.map((one) => one.map(({ body }) => body.slice(0, -1)))),
    type: fc.constantFrom(...types),
  })
  return method === 'GET'
    ? fc.oneof({ weight: 20, arbitrary: none }, odd)
    : fc.oneof({ weight: 4, arbitrary: good[0]! }, { weight: 4, arbitrary: good[1]! }, odd, none)
}

const bearer = fc.constantFrom<Bearer>('nobody', 'person', 'person', 'admin', 'admin', 'junk')

/** Requests to any of these routes; `known` are names that exist there, which let a request past the first look. */
export function requestsTo(targets: readonly Target[], known: readonly string[]): fc.Arbitrary<FuzzRequest> {
  const segment = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 2, arbitrary: word })
  return fc.constantFrom(...targets).chain((target) => {
    const places = target.path.match(/[:*]\w+/g)?.length ?? 0
    return fc
      .record({
        method: fc.oneof(
          { weight: 12, arbitrary: fc.constant(target.method) },
          fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
        ),
        segments: fc.array(segment, { minLength: places, maxLength: places }),
        query: fc.oneof({ weight: 2, arbitrary: fc.constant('') }, formOf(target.fields), word.map(wirePath)),
        headers: fc.dictionary(headerName, headerValue, { maxKeys: 3 }),
        sent: bodyOf(target),
        cookie: bearer,
        token: bearer,
        fromPage: fc.boolean(),
      })
      .map(({ method, segments, query, headers, sent: { body, type }, ...rest }) => {
        const rests = [...segments]
        const path = target.path
          .replace(/[{}]/g, '')
          .replace(/[:*]\w+/g, () => wirePath(rests.shift() ?? '').replaceAll('/', '%2f'))
        return {
          ...{ target, method, path: query === '' ? path : `${path}?${query}`, ...rest },
          headers: { ...headers, ...(type ? { 'content-type': type } : {}) },
          body,
        }
      })
  })
}
