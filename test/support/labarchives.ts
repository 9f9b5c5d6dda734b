/**
 * A LabArchives for tests: its sign-in page, the four API methods a sign-in needs, people with notebooks, and a script of
 * misbehaviour. It takes both dialects seen in the wild, SHA-512 with a future `expires` and SHA-1 with the present time,
 * and records which was used.
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Somebody with an account there. */
export interface LabPerson {
  readonly login: string
  readonly email: string
  readonly uid: string
  readonly fullname: string
  readonly autoLogin?: boolean
  readonly notebooks: readonly { readonly id: string; readonly name: string; readonly isDefault?: boolean }[]
}

/** Where it can be made to fail. */
export type Spot = 'api_user_login' | 'user_access_info' | 'user_info_via_id' | 'epoch_time' | 'api_base_urls'

/** How: a number is one of its error codes. */
export type Failure = 'hang' | '500' | 'html' | 'huge' | 'drop' | number

/** What goes wrong from now on; a test changes it at any time. */
export interface LabFaults {
  fail: Partial<Record<Spot, Failure>>
  /** How far its clock is ahead of the real time, in milliseconds. */
  aheadMs: number
  /** Errors come with status 200, as one client's notes claim. */
  errorsWith200: boolean
  /** Children stand in the order of the vendor's example, instead of another one every time. */
  usualOrder: boolean
  /** Changes every answer that is no error. */
  answer?: (xml: string) => string
  /** Changes the address that the browser is sent back to. */
  callback?: (url: URL) => URL
  /** What the sign-in page says instead of asking anybody: the `error` it sends back. */
  refuse?: string
}

/** One signed request, and the dialect it was in. */
export interface Spoken {
  readonly method: string
  readonly algorithm: 'sha512' | 'sha1'
  readonly expires: 'future' | 'present'
  readonly aheadMs: number
  /** When it came, by the real clock. */
  readonly at: number
  readonly parameters: Readonly<Record<string, string>>
}

export interface LabArchives {
  readonly origin: string
  readonly faults: LabFaults
  /** Every request whose signature was right. */
  readonly spoken: readonly Spoken[]
  /** Every request: its path. */
  readonly requests: readonly string[]
  /** Walks a browser through the sign-in page as `login` (`deny` turns it down); where is it sent back to? */
  signIn(to: URL, login: string): Promise<URL>
  /** A one-hour code, as the person reads it on the page “External App authentication”. */
  code(login: string): string
  /** The hour of a code is over. */
  expire(code: string): void
  /** Ends the access key's knowledge of a person. */
  withdraw(login: string): void
  close(): Promise<void>
}

/** The access key that tests use. */
export const labKey = { accessKeyId: 'lab_akid_of_the_tests', accessPassword: 'password-of-the-test-access-key' }

/** Two people; the UIDs look like real ones. */
export const labPeople: readonly LabPerson[] = [
  {
    login: 'ada',
    email: 'ada@example.org',
    uid: "285489257Ho's9^Lt4116011183268315271",
    fullname: 'Ada <Lovelace> & Söhne',
    autoLogin: true,
    notebooks: [
      { id: 'MTAuNHw4LzgvTm90ZWJvb2svMQ==', name: 'Engine "A" & notes', isDefault: true },
      { id: 'MTAuNHw4LzgvTm90ZWJvb2svMg==', name: 'Bernoulli' },
    ],
  },
  {
    login: 'grace',
    email: 'grace@example.org',
    uid: '7711938457Kq0^Zz4116011183268399999',
    fullname: 'Grace Hopper',
    autoLogin: false,
    notebooks: [],
  },
]

interface Standing {
  readonly people: readonly LabPerson[]
  readonly faults: LabFaults
  readonly spoken: Spoken[]
  /** Codes to logins; good for an hour, as often as one likes. */
  readonly codes: Map<string, string>
  readonly withdrawn: Set<string>
  now(): number
}

/** Starts one on a free port of this machine. */
export async function startLabArchives(people: readonly LabPerson[] = labPeople): Promise<LabArchives> {
  const faults: LabFaults = { fail: {}, aheadMs: 0, errorsWith200: false, usualOrder: false }
  const requests: string[] = []
  const now = () => Date.now() + faults.aheadMs
  const standing: Standing = { people, faults, spoken: [], codes: new Map(), withdrawn: new Set(), now }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://labarchives')
    requests.push(url.pathname)
    serve(standing, { request, response, url })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    spoken: standing.spoken,
    requests,
    signIn,
    code: (login) => codeFor(standing, login),
    expire: (code) => void standing.codes.delete(code),
    withdraw: (login) => void standing.withdrawn.add(login),
    close: () => closeServer(server),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
}

/** An error in its own form. Statuses are the ones seen in the wild. */
class LabError extends Error {
  readonly code: number
  constructor(code: number) {
    super(`error ${code}`)
    this.code = code
  }
}

const spots: Readonly<Record<string, Spot>> = {
  '/api_user_login': 'api_user_login',
  '/api/users/user_access_info': 'user_access_info',
  '/api/users/user_info_via_id': 'user_info_via_id',
  '/api/utilities/epoch_time': 'epoch_time',
  '/api/utilities/api_base_urls': 'api_base_urls',
}

function serve(standing: Standing, exchange: Exchange): void {
  const { response, url } = exchange
  answer(standing, exchange).catch((error: unknown) => {
    if (!(error instanceof LabError)) return void response.writeHead(500).end(String(error))
    const wild = error.code === 4514 || error.code === 4520 ? 401 : 400
    const code = tag('error-code', String(error.code), 'integer')
    send(response, standing.faults.errorsWith200 ? 200 : wild, `<error>${code}${echo(url.searchParams)}</error>`)
  })
}

async function answer(standing: Standing, exchange: Exchange): Promise<void> {
  const { response, url } = exchange
  const spot = spots[url.pathname]
  const failure = spot === undefined ? 4503 : standing.faults.fail[spot]
  if (spot === undefined || typeof failure === 'number') throw new LabError(Number(failure))
  if (failure !== undefined) return failAs(failure, response)
  if (spot === 'api_user_login') return signInPage(standing, exchange)
  const xml = answers[spot](standing, url.searchParams)
  send(response, 200, standing.faults.answer?.(xml) ?? xml)
}

/** What was asked, as it says it again in every answer, errors too: with everything secret in it. */
function echo(parameters: URLSearchParams): string {
  return tag('error-description', `the request ${parameters} was wrong`)
}

const answers: Readonly<
  Record<Exclude<Spot, 'api_user_login'>, (standing: Standing, parameters: URLSearchParams) => string>
> = {
  user_access_info(standing, parameters) {
    check(standing, parameters, { method: 'user_access_info', signed: 'user_access_info' })
    const who = parameters.get('login_or_email')?.toLowerCase()
    const login = standing.codes.get(parameters.get('password') ?? '')
    const person = standing.people.find((one) => one.login === login)
    if (person === undefined || (who !== person.email && who !== person.login)) throw new LabError(4514)
    return users(standing, person, parameters)
  },
  user_info_via_id(standing, parameters) {
    check(standing, parameters, { method: 'user_info_via_id', signed: 'user_info_via_id' })
    const person = standing.people.find(({ uid }) => uid === parameters.get('uid'))
    if (person === undefined || standing.withdrawn.has(person.login)) throw new LabError(4507)
    return users(standing, person, parameters)
  },
  epoch_time(standing, parameters) {
    if (parameters.get('akid') !== labKey.accessKeyId) throw new LabError(4506)
    return `<utilities>${tag('epoch-time', String(standing.now()), 'integer')}</utilities>`
  },
  api_base_urls(standing, parameters) {
    check(standing, parameters, { method: 'api_base_urls', signed: 'api_base_urls' })
    return '<regions><region><description>US</description><url>https://api.labarchives.com/api</url></region></regions>'
  },
}

/** The order of the children is another one every time: the vendor says that nobody may count on it. */
function users({ faults }: Standing, person: LabPerson, parameters: URLSearchParams): string {
  const notebooks = person.notebooks.map(
    ({ id, name, isDefault = false }) =>
      `<notebook>${tag('is-default', String(isDefault), 'boolean')}${tag('name', name)}${tag('id', id)}</notebook>`,
  )
  const request = [...parameters].map(([name, value]) => tag(name.replaceAll('_', '-'), value)).join('')
  const parts = [
    tag('fullname', person.fullname),
    tag('id', person.uid),
    tag('email', person.email),
    tag('auto-login-allowed', String(person.autoLogin ?? false), 'boolean'),
    `<notebooks type="array">${notebooks.join('\n')}</notebooks>`,
    `<request>${request}</request>`,
    '<orcid/>',
  ]
  const turn = faults.usualOrder ? 0 : (randomBytes(1)[0] ?? 0)
  return `<users>\n${parts.map((_, index) => parts[(index + turn) % parts.length]).join('\n')}\n</users>`
}

function tag(name: string, text: string, type?: string): string {
  const safe = text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)
  return `<${name}${type === undefined ? '' : ` type="${type}"`}>${safe}</${name}>`
}

const tolerance = { beforeMs: 120_000, aheadMs: 600_000 }

/** Checks key, signature and time, and records the dialect. */
function check(
  standing: Standing,
  given: URLSearchParams,
  { method, signed }: { method: string; signed: string },
): void {
  const { akid = '', expires = '', sig, ...parameters } = Object.fromEntries(given)
  if (!akid || !expires || !sig) throw new LabError(4500)
  if (akid !== labKey.accessKeyId) throw new LabError(4506)
  const hmac = (algorithm: string) =>
    createHmac(algorithm, labKey.accessPassword).update(akid).update(signed).update(expires).digest('base64')
  const algorithm = (['sha512', 'sha1'] as const).find((one) => hmac(one) === sig)
  if (algorithm === undefined) throw new LabError(4520)
  const aheadMs = Number(expires) - standing.now()
  if (!(aheadMs >= -tolerance.beforeMs && aheadMs <= tolerance.aheadMs)) throw new LabError(4504)
  const when = aheadMs > 10_000 ? 'future' : 'present'
  standing.spoken.push({ method, algorithm, expires: when, aheadMs, at: Date.now(), parameters })
}

function codeFor(standing: Standing, login: string): string {
  const code = randomBytes(18).toString('base64url')
  standing.codes.set(code, login)
  return code
}

/** The page asks who one is, then sends the browser back. */
async function signInPage(standing: Standing, { request, response, url }: Exchange): Promise<void> {
  const { people, faults } = standing
  // What is signed is the address as it was sent, not as a URL parser would write it.
  const redirectUri = url.searchParams.get('redirect_uri') ?? ''
  const back = new URL(redirectUri)
  const login = request.method === 'POST' ? await postedLogin(request) : undefined
  if (faults.refuse !== undefined) return goBack(standing, response, withQuery(back, { error: faults.refuse }))
  if (login === undefined) check(standing, url.searchParams, { method: 'api_user_login', signed: redirectUri })
  if (login === 'deny') return goBack(standing, response, withQuery(back, { error: 'access denied by the user' }))
  const person = people.find((one) => one.login === login)
  if (person === undefined) return page(people, response)
  const brought = { auth_code: codeFor(standing, person.login), email: person.email }
  goBack(standing, response, withQuery(back, brought))
}

function withQuery(back: URL, query: Readonly<Record<string, string>>): URL {
  for (const [name, value] of Object.entries(query)) back.searchParams.set(name, value)
  return back
}

function goBack({ faults }: Standing, response: ServerResponse, back: URL): void {
  response.writeHead(303, { location: (faults.callback?.(back) ?? back).href }).end()
}

async function postedLogin(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  return new URLSearchParams(body).get('login') ?? ''
}

function page(people: readonly LabPerson[], response: ServerResponse): void {
  const logins = [...people.map(({ login }) => login), 'deny']
  const buttons = logins.map((login) => `<button name="login" value="${login}">${login}</button>`).join(' ')
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    .end(
      `<!doctype html><html lang="en"><title>Test LabArchives</title><main><h1>Who are you?</h1><form method="post">${buttons}</form></main>`,
    )
}

async function signIn(to: URL, login: string): Promise<URL> {
  const shown = await fetch(to, { redirect: 'manual' })
  const body = new URLSearchParams({ login })
  const response = shown.status === 200 ? await fetch(to, { method: 'POST', body, redirect: 'manual' }) : shown
  const location = response.headers.get('location')
  if (location === null) throw new Error(`the sign-in page answered ${response.status}: ${await response.text()}`)
  return new URL(location)
}

function send(response: ServerResponse, status: number, xml: string): void {
  const body = xml.startsWith('<?xml') ? xml : `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`
  response.writeHead(status, { 'content-type': 'application/xml; charset=utf-8' }).end(body)
}

function failAs(failure: Exclude<Failure, number>, response: ServerResponse): void {
  const html = { 'content-type': 'text/html' }
  if (failure === 'hang') return
  if (failure === 'drop') return void response.destroy()
  if (failure === '500') return void response.writeHead(500, html).end('<h1>Internal Server Error</h1>')
  if (failure === 'html') return void response.writeHead(200, html).end('<!doctype html><title>Maintenance</title>')
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.write('<users>')
  const filler = `<fullname>${'x'.repeat(65_536)}</fullname>`
  const pour = () => {
    while (!response.destroyed && response.write(filler));
  }
  response.on('drain', pour)
  pour()
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
