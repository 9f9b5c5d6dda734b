/**
 * A Google Cloud for one machine: the metadata server, the Security Token Service and Cloud Storage, as far as ngauth and
 * Neuroglancer use them. A limited credential opens what its boundary says and nothing else, as at Google.
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen, type Site } from './site.ts'

/** Objects by bucket and name. */
export type Buckets = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>

/** Starts it at `address`. Its one service account reads every bucket. */
export function startCloud(address: string, buckets: Buckets): Promise<Site> {
  // A credential and the boundary that limits it; the service account's own has none.
  const credentials = new Map<string, Boundary | undefined>()
  const issue = (boundary?: Boundary) => {
    const access_token = randomBytes(24).toString('base64url')
    credentials.set(access_token, boundary)
    return { access_token, expires_in: 3600, token_type: 'Bearer' }
  }
  return listen(address, 'cloud', async (req, res) => {
    const url = new URL(req.url ?? '/', address)
    // Google's buckets are read across origins where their CORS settings say so.
    res.setHeader('Access-Control-Allow-Origin', '*').setHeader('Access-Control-Allow-Headers', 'authorization, range')
    if (req.method === 'OPTIONS') res.writeHead(204).end()
    else if (url.pathname.startsWith('/computeMetadata/')) {
      if (req.headers['metadata-flavor'] === 'Google') json(res, 200, issue())
      else json(res, 403, { error: 'Missing Metadata-Flavor:Google header.' })
    } else if (url.pathname === '/v1/token') {
      const form = new URLSearchParams(await bodyOf(req))
      const boundary = boundaryIn(form.get('options'))
      const subject = form.get('subject_token') ?? ''
      const isOwn = credentials.has(subject) && credentials.get(subject) === undefined
      if (boundary === undefined || !isOwn) return void json(res, 400, { error: 'invalid_request' })
      json(res, 200, { ...issue(boundary), issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' })
    } else read({ buckets, credentials }, { url, req, res })
  })
}

interface Boundary {
  readonly accessBoundary: {
    readonly accessBoundaryRules: readonly {
      readonly availableResource: string
      readonly availabilityCondition?: { readonly expression: string }
    }[]
  }
}

interface Storage {
  readonly buckets: Buckets
  readonly credentials: ReadonlyMap<string, Boundary | undefined>
}

function read(
  { buckets, credentials }: Storage,
  { url, req, res }: { url: URL; req: IncomingMessage; res: ServerResponse },
): void {
  const [, bucket = '', rest = ''] = /^\/storage\/v1\/b\/([^/]+)\/(.*)$/.exec(url.pathname) ?? []
  const token = req.headers.authorization?.replace(/^Bearer /, '') ?? ''
  if (!credentials.has(token)) return void json(res, 401, { error: 'Invalid Credentials' })
  const objects = Object.hasOwn(buckets, bucket) ? buckets[bucket] : undefined
  if (objects === undefined) return void json(res, 404, { error: 'Not Found' })
  if (rest === 'iam/testPermissions')
    return void json(res, 200, { permissions: url.searchParams.getAll('permissions') })
  const name = decodeURIComponent(rest.replace(/^o\//, ''))
  if (!opens(credentials.get(token), { bucket, name })) return void json(res, 403, { error: 'Forbidden' })
  const object = Object.hasOwn(objects, name) ? objects[name] : undefined
  if (object === undefined) return void json(res, 404, { error: 'Not Found' })
  res.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(object)
}

/** Whether one rule is for this bucket and this name. Of Google's language it reads what Labgate writes. */
function opens(boundary: Boundary | undefined, { bucket, name }: { bucket: string; name: string }): boolean {
  if (boundary === undefined) return true
  const resource = `projects/_/buckets/${bucket}`
  const begins = (term: string) => {
    const [, not, prefix] = /^\(*(!?)resource\.name\.startsWith\('([^'\\]*)'\)\)*$/.exec(term) ?? []
    return prefix !== undefined && `${resource}/objects/${name}`.startsWith(prefix) === (not === '')
  }
  return boundary.accessBoundary.accessBoundaryRules.some(
    ({ availableResource, availabilityCondition }) =>
      availableResource === `//storage.googleapis.com/${resource}` &&
      (availabilityCondition === undefined ||
        availabilityCondition.expression.split(' || ').some((one) => one.split(' && ').every(begins))),
  )
}

function boundaryIn(options: string | null): Boundary | undefined {
  try {
    const read = JSON.parse(options ?? '') as Partial<Boundary> | null
    const rules = read?.accessBoundary?.accessBoundaryRules
    return Array.isArray(rules) && rules.length > 0 ? (read as Boundary) : undefined
  } catch {
    // Google calls that an invalid request; so does the caller.
    return undefined
  }
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of req) body += chunk
  return body
}

function json(res: ServerResponse, status: number, value: unknown): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
}
