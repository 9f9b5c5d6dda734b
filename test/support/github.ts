/**
 * A real server that is GitHub as far as sign-ins see it: the pages and the token endpoint of an OAuth app, and the REST API
 * below `/api/v3` as an Enterprise Server has it. People, organisations and what goes wrong can be changed at any time.
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerApi } from './github-api.ts'
import { answerOAuth } from './github-oauth.ts'
import type {
  GitHubApp,
  GitHubFailure,
  GitHubFaults,
  GitHubPerson,
  GitHubSpot,
  GitHubState,
  GitHubWorld,
} from './github-state.ts'

/** The OAuth app that tests use when they bring none; its callback is given at the start. */
export const githubApp = { clientId: 'Iv1.labgate', clientSecret: 'github-test-value' }

export interface GitHub extends GitHubWorld {
  /** `http://127.0.0.1:PORT`; the API is below `/api/v3`. */
  readonly url: string
  readonly faults: GitHubFaults
  /** Every request it got: method, path and query. */
  readonly requests: readonly string[]
  /** Walks a browser through the pages as `login` (`deny` turns the request down); where to? */
  signIn(to: URL, login: string): Promise<URL>
  /** Every token is bad from now on, as after the person took the app's access back. */
  forgetTokens(): void
  /** Tokens that are good now. */
  tokens(): readonly string[]
  close(): Promise<void>
}

/** Starts one on a free port of this machine. */
export async function startGitHub(world: GitHubWorld & { readonly callbacks: readonly string[] }): Promise<GitHub> {
  const app: GitHubApp = { ...githubApp, callbacks: world.callbacks }
  const faults: GitHubFaults = { fail: {}, said: {} }
  const requests: string[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const state: GitHubState = { url, app, faults, world, codes: new Map(), tokens: new Map() }
  server.on('request', (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    serve(state, { request, response }).catch((error) => response.writeHead(500).end(String(error)))
  })
  return {
    ...world,
    url,
    faults,
    requests,
    signIn: (to, login) => walk(to, login),
    forgetTokens: () => state.tokens.clear(),
    tokens: () => [...state.tokens.keys()],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A person's address as the API lists it. */
export function primary(email: string, changes: object = {}): GitHubPerson['emails'][number] {
  return { email, primary: true, verified: true, visibility: 'private', ...changes }
}

interface Talk {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function serve(state: GitHubState, { request, response }: Talk): Promise<void> {
  const url = new URL(request.url ?? '/', state.url)
  const spot = spotOf(url.pathname)
  const failure = state.faults.fail[spot]
  if (failure !== undefined) return failAs(failure, response)
  const asked = { method: request.method ?? 'GET', url, headers: request.headers, body: await bodyOf(request) }
  const answer = spot === 'authorize' || spot === 'token' ? answerOAuth(state, asked) : answerApi(state, asked)
  const said = state.faults.said[spot]?.(answer) ?? answer
  const json = said.json === undefined ? said.text : JSON.stringify(said.json)
  response.writeHead(said.status, {
    ...(said.json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...said.headers,
  })
  response.end(json ?? '')
}

function spotOf(path: string): GitHubSpot {
  if (path === '/login/oauth/authorize') return 'authorize'
  if (path === '/login/oauth/access_token') return 'token'
  if (path === '/api/v3/user') return 'user'
  if (path === '/api/v3/user/emails') return 'emails'
  return /\/(user\/memberships|user\/orgs|user\/teams|orgs\/|organizations|users\/)/.test(path)
    ? 'memberships'
    : 'other'
}

function failAs(failure: GitHubFailure, response: ServerResponse): void {
  const html = { 'content-type': 'text/html; charset=utf-8' }
  if (failure === 'hang') return
  if (failure === 'drop') return void response.destroy()
  if (failure === '500') return void response.writeHead(502, html).end('<h1>Unicorn!</h1>')
  if (failure === 'html') return void response.writeHead(200, html).end('<h1>Maintenance</h1>')
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"filler":"')
  const filler = 'x'.repeat(65_536)
  const pour = () => {
    while (!response.destroyed && response.write(filler));
  }
  response.on('drain', pour)
  pour()
}

/** Form or JSON, as GitHub takes both. */
async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  let text = ''
  for await (const chunk of request) text += chunk
  if (request.headers['content-type']?.startsWith('application/json')) return text === '' ? {} : JSON.parse(text)
  return Object.fromEntries(new URLSearchParams(text))
}

async function walk(to: URL, login: string): Promise<URL> {
  const page = await fetch(to, { redirect: 'manual' })
  if (page.status !== 200) return locationOf(page, to)
  const body = new URLSearchParams({ who: login })
  return locationOf(await fetch(to, { method: 'POST', body, redirect: 'manual' }), to)
}

function locationOf(response: Response, at: URL): URL {
  const location = response.headers.get('location')
  if (location === null) throw new Error(`GitHub stopped at ${at} with ${response.status}`)
  return new URL(location, at)
}
