/** A whole Labgate for flow tests: on a free port, in a folder of its own, with mail in an outbox. @module */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import * as client from 'openid-client'
import { stringify } from 'yaml'
import type { AssemblyOptions } from '../../core/assembly.ts'
import { type LoadedConfig, parseConfig } from '../../core/config/load.ts'
import { createLabgate, type Labgate } from '../../core/server.ts'
import { freePort } from './program.ts'
import { UserAgent } from './user-agent.ts'

export { freePort }

/** A value of the config file. */
export type Part = Readonly<Record<string, unknown>>

export interface TestLabgate {
  readonly issuer: string
  readonly labgate: Labgate
  readonly folder: string
  readonly managementPort: number | undefined
  readonly firstAdminCode: string | undefined
  /** The newest mail to an address; waits for it. */
  mail(to: string): Promise<{ subject: string; text: string; code: string; link: string }>
  /** How many mails have been written. */
  mails(): Promise<number>
  /** Stops it and starts another on the same data. */
  restart(): Promise<TestLabgate>
  stop(): Promise<void>
}

/** Where the test's relying party would be; never opened. */
export const callback = 'http://127.0.0.1:9/callback'

export const testClients = {
  web: {
    name: 'Test application',
    secret: 'a-secret-of-the-test-client-web-0',
    redirectUris: [callback],
    postLogoutRedirectUris: ['http://127.0.0.1:9/bye'],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    firstParty: true,
  },
  third: {
    name: 'Third party',
    secret: 'a-secret-of-the-test-client-third',
    redirectUris: [callback],
    postLogoutRedirectUris: ['http://127.0.0.1:9/bye'],
    homepage: 'http://127.0.0.1:9/',
  },
  browser: {
    name: 'Browser app',
    public: true,
    redirectUris: [callback],
    origins: ['http://127.0.0.1:9'],
    firstParty: true,
  },
} as const

/** A loaded config: `part` laid over a small one. Plugins given by path are looked up beside this file. */
export function loadedConfig(
  part: Part,
  { issuer, folder, port }: { readonly issuer: string; readonly folder: string; readonly port: number },
): LoadedConfig {
  const file = {
    issuer,
    demo: true,
    data: folder,
    listen: { port },
    management: { port: 0 },
    log: { file: join(folder, 'labgate.log') },
    mail: { from: { address: 'lab@example.org' }, outbox: join(folder, 'outbox') },
    egress: { allow: ['127.0.0.0/8', 'localhost'] },
    plugins: { email: { use: '@labgate/auth-email' } },
    clients: testClients,
    ...part,
  }
  const loaded = parseConfig(stringify(file, { aliasDuplicateObjects: false }), {
    name: 'test.yaml',
    env: {},
    cwd: import.meta.dirname,
  })
  return { ...loaded, file: join(import.meta.dirname, 'test.yaml') }
}

/** Starts one; `part` is laid over a small config. With LABGATE_TEST_POSTGRES set, on a PostgreSQL. */
export async function startLabgate(
  given: Part = {},
  options: AssemblyOptions & { readonly folder?: string; readonly port?: number } = {},
): Promise<TestLabgate> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'labgate-flow-')))
  const part = process.env.LABGATE_TEST_POSTGRES ? { ...(await onPostgres(folder)), ...given } : given
  const port = options.port ?? (await freePort())
  const issuer = (part.issuer as string | undefined) ?? `http://localhost:${port}`
  const loaded = loadedConfig(part, { issuer, folder, port })
  const labgate = await createLabgate(loaded, options)
  const started = await labgate.start()
  return {
    issuer,
    labgate,
    folder,
    managementPort: started.managementPort,
    firstAdminCode: started.firstAdminCode,
    mail: (to) => newestMail(join(folder, 'outbox'), to),
    mails: async () => (await letters(join(folder, 'outbox'))).length,
    async restart() {
      await labgate.stop()
      return startLabgate(part, { ...options, folder, port })
    },
    async stop() {
      await labgate.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Whoever comes again with a folder comes again to its database. */
const databases = new Map<string, Promise<string>>()

async function onPostgres(folder: string): Promise<Part> {
  const { newDatabase } = await import('./storage-postgres.ts')
  const url = databases.get(folder) ?? newDatabase()
  databases.set(folder, url)
  return { database: { url: await url, connections: 10 } }
}

async function letters(outbox: string): Promise<string[]> {
  const names = await readdir(outbox).catch(() => [])
  return names.filter((name) => name.endsWith('.eml')).toSorted()
}

/** The newest mail to an address in an outbox; waits for it. */
export async function newestMail(outbox: string, to: string) {
  for (let tries = 0; tries < 50; tries++) {
    for (const name of (await letters(outbox)).toReversed()) {
      const letter = await simpleParser(await readFile(join(outbox, name)))
      if (!JSON.stringify(letter.to).includes(to)) continue
      const text = letter.text ?? ''
      const code = /\b(\d{6}|\d{3} \d{3})\b/.exec(text)?.[1]?.replace(' ', '') ?? ''
      const link = /https?:\/\/\S+visit\S*/.exec(text)?.[0] ?? ''
      return { subject: letter.subject ?? '', text, code, link }
    }
    await new Promise((done) => setTimeout(done, 20))
  }
  throw new Error(`no mail to ${to} in ${outbox}`)
}

/** A relying party of openid-client. */
export async function relyingParty(
  issuer: string,
  id: keyof typeof testClients = 'web',
  network: { readonly fetch?: typeof fetch } = {},
) {
  const settings = testClients[id]
  const secret = 'secret' in settings ? settings.secret : undefined
  const auth = secret === undefined ? client.None() : client.ClientSecretBasic(secret)
  const config = await client.discovery(
    new URL(issuer),
    id,
    secret === undefined ? {} : { client_secret: secret },
    auth,
    {
      execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [],
      ...(network.fetch ? { [client.customFetch]: network.fetch as client.CustomFetch } : {}),
    },
  )
  return {
    config,
    request: (parameters: Readonly<Record<string, string>> = {}) => authorizationRequest(config, parameters),
  }
}

/** An authorization request with PKCE, state and nonce, and how to redeem what comes back. */
export async function authorizationRequest(config: client.Configuration, parameters: Readonly<Record<string, string>>) {
  const verifier = client.randomPKCECodeVerifier()
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  })
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  return { url, verifier, redeem: (back: URL) => client.authorizationCodeGrant(config, back, checks) }
}

/** A browser that stops at the relying party's door. */
export function browser(): UserAgent {
  return new UserAgent({ stopAt: ['http://127.0.0.1:9/'] })
}

/** Signs in by e-mail, from the address that shows the chooser to wherever it leads. */
export async function signInByEmail(
  site: Pick<TestLabgate, 'mail'>,
  agent: UserAgent,
  ask: { at: string | URL; email: string; remember?: boolean },
) {
  const chooser = await agent.open(ask.at)
  const form = chooser.forms.find(({ fields }) => 'email' in fields)
  const button = form?.buttons.find(({ action }) => action?.endsWith('/m/email')) ?? form?.buttons[0]
  const step = await agent.submit(
    chooser,
    form,
    { email: ask.email, ...(ask.remember ? { remember: 'on' } : {}) },
    button?.action,
  )
  const { code } = await site.mail(ask.email)
  return agent.submit(
    step,
    step.forms.find(({ fields }) => 'code' in fields),
    { code },
  )
}
