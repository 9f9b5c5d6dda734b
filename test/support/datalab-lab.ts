/** A Labgate with two datalabs, one on a host of its own and one below a prefix, and people to ask as. @module */
import type { AccountRole, AccountState, Fact } from '@labgate/contract'
import { cookieNames } from '../../core/http/cookies.ts'
import { AccountEntity } from '../../core/storage/entities.ts'
import { browser, freePort, type Part, signInByEmail, startLabgate, type TestLabgate } from './labgate.ts'

const house = { kind: 'system', name: 'test' } as const

/** Web applications of the two. */
export const apps = { grey: 'http://grey.example', blue: 'http://blue.example/app' } as const

/** How somebody asks. */
export interface Call {
  readonly key?: string | undefined
  readonly cookie?: string | undefined
  readonly json?: unknown
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer, read. */
export interface Said {
  readonly status: number
  readonly body: unknown
  readonly text: string
  readonly headers: Headers
}

/** The running lab. */
export interface DatalabLab {
  readonly site: TestLabgate
  /** Where the APIs begin: `grey` on a host of its own, `blue` below `/blue`. */
  readonly at: { readonly grey: string; readonly blue: string }
  call(method: string, url: string, how?: Call): Promise<Said>
  /** A person; answers the account's id. */
  person(name: string, more?: { readonly role?: AccountRole }): Promise<string>
  /** Past everything that tidies up behind a change of state. */
  setState(id: string, state: AccountState): Promise<void>
  key(id: string, scopes: readonly string[]): Promise<string>
  /** Signs in, and answers the cookie header of each host. */
  session(email: string): Promise<{ readonly grey: string; readonly blue: string }>
  /** The 24 digits of an account. */
  idOf(id: string): Promise<string>
}

/** Starts it. */
export async function startDatalabLab(config: Part = {}, part: Part = {}): Promise<DatalabLab> {
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const use = '@labgate/authz-datalab'
  const plugins = {
    email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
    github: { use: '@labgate/auth-github', config: { clientId: 'Ov23liTEST', clientSecret: 'of-the-test-lab' } },
    grey: { use, host, config: { identifierPrefix: 'grey', appUrl: apps.grey, ...config } },
    blue: { use, prefix: '/blue', config: { identifierPrefix: 'blue', appUrl: apps.blue } },
    ...(part.plugins as Part | undefined),
  }
  const site = await startLabgate({ ...part, plugins }, { port })
  const { get } = site.labgate.rooms
  const at = { grey: `http://${host}`, blue: `${site.issuer}/blue` }
  const cookieName = cookieNames(site.issuer).session
  return {
    site,
    at,
    async call(method, url, { key, cookie, json, body, headers } = {}) {
      const sent: Record<string, string> = {
        ...(key === undefined ? {} : { 'datalab-api-key': key }),
        ...(cookie === undefined ? {} : { cookie }),
        // What a browser says of a request of our own page.
        ...(cookie !== undefined && method !== 'GET' ? { origin: new URL(url).origin } : {}),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      }
      const content = json === undefined ? body : JSON.stringify(json)
      const init = { method, headers: sent, redirect: 'manual' as const }
      const answer = await fetch(url, content === undefined ? init : { ...init, body: content })
      const text = await answer.text()
      return { status: answer.status, text, body: jsonIn(text), headers: answer.headers }
    },
    async person(name, { role = 'user' } = {}) {
      const email = `${name}@lab.example`
      const facts: Fact[] = [
        { claim: 'email', value: email, trust: 'verified' },
        { claim: 'name', value: `${name[0]?.toUpperCase()}${name.slice(1)} Example`, trust: 'asserted' },
      ]
      const assertion = { issuer: 'mailto:', subject: email, facts, amr: ['otp'], at: new Date() }
      const source = { instance: 'email', realm: 'email' }
      const come = await get('people').arrive({ source, admission: { state: 'active' }, assertion, wantsNew: false })
      if (come.kind !== 'account') throw new Error(`${name} was not let in`)
      const { id } = come.account
      if (role !== 'user') await get('accounts').setRole(id, role)
      return id
    },
    setState: async (id, state) => {
      await get('storage').transaction((em) => em.nativeUpdate(AccountEntity, { id }, { state }))
    },
    async key(id, scopes) {
      return (await get('tokens').create(house, { account: id, name: 'a test', scopes })).value
    },
    async session(email) {
      const agent = browser()
      await signInByEmail(site, agent, { at: `${site.issuer}/account`, email })
      // The same sign-in at the other host: straight through, to the application that is not there.
      const stop = new (agent.constructor as new (o: { stopAt: readonly string[] }) => typeof agent)({
        stopAt: [apps.grey],
      })
      for (const cookie of agent.cookies) stop.adopt(cookie)
      await stop.open(`${at.grey}/login/email`)
      const value = (name: string) => {
        const found = stop.cookies.find((one) => one.name === cookieName && one.host === name)
        if (!found) throw new Error(`no session at ${name}: ${JSON.stringify(stop.cookies)}`)
        return `${cookieName}=${found.value}`
      }
      return { grey: value('127.0.0.1'), blue: value('localhost') }
    },
    async idOf(id) {
      const number = (await get('accounts').find(id))?.numericId ?? 0
      return `6c61626761746500${number.toString(16).padStart(8, '0')}`
    },
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Pages are no JSON.
    return undefined
  }
}
