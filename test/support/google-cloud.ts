/**
 * A small Google Cloud on loopback: service account keys, the metadata server, impersonation, the Security Token Service with
 * boundaries, and buckets that enforce them. It fails by script.
 * @module
 */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'
import { holds } from './google-conditions.ts'

/** Where it can be made to fail. */
export type CloudSpot = 'key' | 'metadata' | 'impersonation' | 'sts' | 'policy' | 'storage'
/** How. `drop` closes the connection, `slow` never answers, `empty` answers JSON without anything in it. */
export type CloudFailure = '500' | '403' | 'html' | 'drop' | 'refuse' | 'slow' | 'empty'

/** A request as it came. */
export interface CloudRequest {
  readonly spot: CloudSpot
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

interface Rule {
  readonly availableResource: string
  readonly availablePermissions: readonly string[]
  readonly availabilityCondition?: { readonly expression: string }
}

interface Credential {
  readonly account: string
  readonly endsAt: number
  readonly rules?: readonly Rule[]
}

/** A running cloud. */
export interface GoogleCloud {
  readonly url: string
  /** The key file of `labgate@lab.iam.example`. */
  readonly keyFile: string
  readonly fail: Partial<Record<CloudSpot, CloudFailure>>
  /** Objects by bucket and name. */
  readonly buckets: Record<string, Record<string, string>>
  /** Accounts that may read a bucket. */
  readonly readers: Record<string, string[]>
  /** Accounts that the first may act as. */
  readonly mayActAs: Record<string, string[]>
  /** Policies of buckets, and accounts that may read them. */
  readonly policies: Record<string, { readonly readers: readonly string[]; readonly bindings: readonly object[] }>
  /** Whether the exchange says how long its answer lives. */
  saysExpiry: boolean
  /** How often each place was asked. */
  readonly calls: Record<CloudSpot, number>
  /** The boundaries that were asked for. */
  readonly boundaries: (readonly Rule[])[]
  /** Everything that was asked, oldest first. */
  readonly requests: CloudRequest[]
  /** Every credential given so far, for looking where none may be. */
  given(): readonly string[]
  /** Takes back every credential given so far. */
  takeBack(): void
  stop(): Promise<void>
}

/** The service accounts of the cloud. */
export const cloudAccounts = {
  key: 'labgate@lab.iam.example',
  machine: 'machine@lab.iam.example',
  reader: 'reader@lab.iam.example',
} as const

interface State extends Omit<GoogleCloud, 'given' | 'stop' | 'takeBack'> {
  readonly publicKey: KeyObject
  readonly credentials: Map<string, Credential>
  now(): Date
}

interface Answer {
  readonly status: number
  readonly json?: unknown
  readonly text?: string
}

/** Starts one. */
export async function startGoogleCloud(options: { readonly now?: () => Date } = {}): Promise<GoogleCloud> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  let state: State
  const server = createServer((req, res) => {
    void answer(state, req, res).catch(() => res.destroy())
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const keyFile = JSON.stringify({
    type: 'service_account',
    client_email: cloudAccounts.key,
    private_key_id: 'key-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: `${url}/token`,
  })
  state = {
    ...{ url, keyFile, publicKey, fail: {}, buckets: {}, readers: {}, mayActAs: {}, policies: {} },
    ...{
      calls: { key: 0, metadata: 0, impersonation: 0, sts: 0, policy: 0, storage: 0 },
      boundaries: [],
      requests: [],
    },
    saysExpiry: true,
    ...{ credentials: new Map<string, Credential>(), now: options.now ?? (() => new Date()) },
  }
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  }
  const { credentials } = state
  const given = () => [...credentials.keys()]
  const takeBack = () => {
    for (const [value, one] of credentials) credentials.set(value, { ...one, endsAt: 0 })
  }
  return Object.assign(state, { given, stop, takeBack })
}

async function answer(state: State, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? '/', state.url)
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  res.setHeader('Access-Control-Allow-Origin', '*')
  res.setHeader('Access-Control-Allow-Headers', 'authorization')
  // By which clients know the metadata server.
  if (url.pathname.startsWith('/computeMetadata/')) res.setHeader('Metadata-Flavor', 'Google')
  if (req.method === 'OPTIONS') return void res.writeHead(204).end()
  const spot = spotOf(url.pathname)
  state.calls[spot]++
  const { method = '', headers } = req
  state.requests.push({ spot, method, path: url.pathname + url.search, authorization: headers.authorization, body })
  const failure = state.fail[spot]
  if (failure === 'drop') return void res.destroy()
  if (failure === 'slow') return
  const given = failure === undefined ? await handlers[spot](state, { req, url, body }) : failures[failure]
  res.writeHead(given.status, { 'content-type': given.json === undefined ? 'text/html' : 'application/json' })
  res.end(given.json === undefined ? given.text : JSON.stringify(given.json))
}

const failures: Record<Exclude<CloudFailure, 'drop' | 'slow'>, Answer> = {
  '500': { status: 500, json: { error: 'internal' } },
  '403': { status: 403, json: { error: { code: 403, message: 'Permission denied.', status: 'PERMISSION_DENIED' } } },
  html: { status: 200, text: '<h1>hello</h1>' },
  refuse: { status: 400, json: { error: 'invalid_grant', error_description: 'no' } },
  empty: { status: 200, json: {} },
}

function spotOf(path: string): CloudSpot {
  if (path === '/token') return 'key'
  if (path === '/v1/token') return 'sts'
  if (path.startsWith('/computeMetadata/')) return 'metadata'
  if (/^\/storage\/v1\/b\/[^/]+\/iam$/.test(path)) return 'policy'
  return path.startsWith('/v1/projects/-/serviceAccounts/') ? 'impersonation' : 'storage'
}

interface Ask {
  readonly req: IncomingMessage
  readonly url: URL
  readonly body: string
}

const handlers: Record<CloudSpot, (state: State, ask: Ask) => Answer | Promise<Answer>> = {
  key: askByKey,
  metadata: (state, { req }) =>
    req.headers['metadata-flavor'] === 'Google'
      ? { status: 200, json: { ...issue(state, { account: cloudAccounts.machine }), token_type: 'Bearer' } }
      : { status: 403, text: 'Missing Metadata-Flavor:Google header.' },
  impersonation: impersonate,
  sts: exchange,
  policy: readPolicy,
  storage: store,
}

function issue(state: State, credential: Omit<Credential, 'endsAt'>, seconds = 3600) {
  const value = `ya29.${randomBytes(16).toString('hex')}`
  state.credentials.set(value, { ...credential, endsAt: state.now().getTime() + seconds * 1000 })
  return { access_token: value, expires_in: seconds }
}

async function askByKey(state: State, { body }: Ask): Promise<Answer> {
  const form = new URLSearchParams(body)
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    return oauthError('unsupported_grant_type')
  try {
    const { payload, protectedHeader } = await jwtVerify(form.get('assertion') ?? '', state.publicKey, {
      // The second is what Google's own library says whatever the key file names.
      ...{
        audience: [`${state.url}/token`, 'https://oauth2.googleapis.com/token'],
        issuer: cloudAccounts.key,
        algorithms: ['RS256'],
      },
      currentDate: state.now(),
    })
    const life = (payload.exp ?? 0) - (payload.iat ?? 0)
    const isRight = [undefined, 'key-1'].includes(protectedHeader.kid) && life > 0 && life <= 3600
    if (!isRight || payload.scope !== 'https://www.googleapis.com/auth/cloud-platform')
      return oauthError('invalid_grant')
  } catch {
    return oauthError('invalid_grant')
  }
  return { status: 200, json: { ...issue(state, { account: cloudAccounts.key }), token_type: 'Bearer' } }
}

function oauthError(error: string): Answer {
  return { status: 400, json: { error, error_description: error } }
}

function holder(state: State, req: IncomingMessage): Credential | undefined {
  return alive(state, /^Bearer (\S+)$/.exec(req.headers.authorization ?? '')?.[1])
}

function alive(state: State, value: string | null | undefined): Credential | undefined {
  const found = state.credentials.get(value ?? '')
  return found !== undefined && found.endsAt > state.now().getTime() ? found : undefined
}

function impersonate(state: State, { req, url, body }: Ask): Answer {
  const who = holder(state, req)
  if (who === undefined) return { status: 401, json: { error: { code: 401 } } }
  const email = decodeURIComponent(/serviceAccounts\/([^:]+):generateAccessToken$/.exec(url.pathname)?.[1] ?? '')
  if (!state.mayActAs[who.account]?.includes(email)) return { status: 403, json: { error: { code: 403 } } }
  const { lifetime } = JSON.parse(body) as { lifetime: string }
  const seconds = Number.parseInt(lifetime, 10)
  const { access_token: accessToken } = issue(state, { account: email }, seconds)
  return {
    status: 200,
    json: { accessToken, expireTime: new Date(state.now().getTime() + seconds * 1000).toISOString() },
  }
}

const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

function exchange(state: State, { body }: Ask): Answer {
  const form = new URLSearchParams(body)
  const wanted = ['grant_type', 'options', 'requested_token_type', 'subject_token', 'subject_token_type']
  if ([...form.keys()].toSorted().join() !== wanted.join()) return oauthError('invalid_request')
  if (form.get('subject_token_type') !== accessToken) return oauthError('invalid_request')
  const from = alive(state, form.get('subject_token'))
  if (from === undefined) return oauthError('invalid_grant')
  const raw = form.get('options') ?? ''
  // Some libraries encode it twice.
  const options = JSON.parse(raw.startsWith('%7B') ? decodeURIComponent(raw) : raw) as {
    accessBoundary: { accessBoundaryRules: Rule[] }
  }
  const rules = options.accessBoundary.accessBoundaryRules
  if (rules.length === 0 || rules.length > 10) return oauthError('invalid_request')
  try {
    for (const { availabilityCondition: rule } of rules) if (rule) holds(rule.expression, { name: '', listPrefix: '' })
  } catch {
    return oauthError('invalid_request')
  }
  state.boundaries.push(rules)
  const { expires_in, ...given } = issue(state, { ...from, rules }, (from.endsAt - state.now().getTime()) / 1000)
  const life = state.saysExpiry ? { expires_in: Math.floor(expires_in) } : {}
  return { status: 200, json: { ...given, ...life, issued_token_type: accessToken, token_type: 'Bearer' } }
}

function readPolicy(state: State, { req, url }: Ask): Answer {
  const bucket = /\/b\/([^/]+)\//.exec(url.pathname)?.[1] ?? ''
  const who = holder(state, req)
  if (who === undefined) return { status: 401, json: { error: { code: 401 } } }
  const policy = state.policies[bucket]
  if (policy === undefined) return { status: 404, json: { error: { code: 404 } } }
  if (!policy.readers.includes(who.account)) return failures['403']
  // Conditions are left out for who does not ask for them (version 3), and their bindings get another role's name.
  if (url.searchParams.get('optionsRequestedPolicyVersion') !== '3') return failures.refuse
  return { status: 200, json: { kind: 'storage#policy', version: 3, bindings: policy.bindings, etag: 'CAE=' } }
}

function store(state: State, { req, url }: Ask): Answer {
  const [, bucket = '', rest = ''] = /^\/storage\/v1\/b\/([^/]+)\/(.*)$/.exec(url.pathname) ?? []
  const objects = state.buckets[bucket]
  const who = holder(state, req)
  if (who === undefined) return { status: 401, json: { error: { code: 401 } } }
  if (objects === undefined) return { status: 404, json: { error: { code: 404 } } }
  const isReader = state.readers[bucket]?.includes(who.account) === true
  if (rest === 'iam/testPermissions')
    return { status: 200, json: isReader ? { permissions: url.searchParams.getAll('permissions') } : {} }
  const name = rest === 'o' ? undefined : decodeURIComponent(rest.replace(/^o\//, ''))
  const listPrefix = name === undefined ? (url.searchParams.get('prefix') ?? '') : ''
  if (!isReader || !within(who.rules, { bucket, name, listPrefix }))
    return { status: 403, json: { error: { code: 403 } } }
  if (name === undefined)
    return { status: 200, json: { items: Object.keys(objects).filter((one) => one.startsWith(listPrefix)) } }
  return objects[name] === undefined ? { status: 404, json: {} } : { status: 200, text: objects[name] }
}

function within(
  rules: readonly Rule[] | undefined,
  ask: { bucket: string; name: string | undefined; listPrefix: string },
): boolean {
  if (rules === undefined) return true
  const resource = `projects/_/buckets/${ask.bucket}`
  const name = ask.name === undefined ? resource : `${resource}/objects/${ask.name}`
  return rules.some(
    (rule) =>
      rule.availableResource === `//storage.googleapis.com/${resource}` &&
      rule.availablePermissions.includes('inRole:roles/storage.objectViewer') &&
      (rule.availabilityCondition === undefined ||
        holds(rule.availabilityCondition.expression, { name, listPrefix: ask.listPrefix })),
  )
}
