/** A context in memory that remembers all that a plugin did with it. @module */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import {
  type AuthContext,
  type AuthMethod,
  type AuthPlugin,
  type AuthzPlugin,
  type ConfigOf,
  type ConfigSchema,
  Fault,
  isSecret,
  type Log,
  type Message,
  type Random,
  type Texts,
} from '@labgate/contract'
import { attemptFor } from './attempt.ts'
import { type ManualClock, manualClock } from './clock.ts'
import { configFrom } from './config.ts'
import { type MemoryStore, memoryStore } from './store.ts'

/** One line of the log. */
export interface LogRecord {
  readonly level: keyof Log
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** What a context is made from. */
export interface ContextOptions<S extends ConfigSchema> {
  readonly plugin: Pick<AuthPlugin<S>, 'config' | 'text' | 'name'> | Pick<AuthzPlugin<S>, 'config' | 'text' | 'name'>
  /** As in the config file; a secret may be a text. */
  readonly config: unknown
  /** Default: the plugin's name. */
  readonly id?: string
  /** Answers the plugin's requests; without it every request fails as an upstream that is down. */
  readonly fetch?: typeof globalThis.fetch
  readonly clock?: ManualClock
  readonly issuer?: string
}

/** A context and everything that was done with it. */
export interface TestContext<C = unknown> {
  readonly context: AuthContext<C>
  readonly clock: ManualClock
  readonly store: MemoryStore
  readonly mails: readonly Message[]
  readonly logs: readonly LogRecord[]
  /** URLs of the requests, in order. */
  readonly requests: readonly string[]
  /** Names of the services used so far: `fetch`, `store.put`, `clock.now` … */
  readonly used: readonly string[]
  /** Replaces the fetch from here on; `undefined` puts the first one back. */
  answerWith(fetch: typeof globalThis.fetch | undefined): void
  /** From here on every mail fails like a server that takes none. */
  refuseMail(): void
  /** Names a value that must appear in no log line and no error. */
  secret(value: string): void
  /** Which secrets a text, a fault or the log gives away, shortened. */
  leaks(...said: readonly unknown[]): readonly string[]
}

/** A context in memory for one instance. Two of them share nothing. */
export function testContext<const S extends ConfigSchema>(options: ContextOptions<S>): TestContext<ConfigOf<S>> {
  const { plugin, id = plugin.name, issuer = 'https://gate.example', clock = manualClock() } = options
  const config = configFrom(plugin.config, options.config)
  const used: string[] = []
  const logs: LogRecord[] = []
  const mails: Message[] = []
  const requests: string[] = []
  const secrets = new Set(secretsIn(config))
  const store = memoryStore(clock)
  const down: typeof globalThis.fetch = () => Promise.reject(new TypeError('fetch failed'))
  let answer = options.fetch ?? down
  let takesMail = true
  const context: AuthContext<ConfigOf<S>> = {
    id,
    config,
    clock: { now: noted(used, 'clock.now', clock.now) },
    random: randomFor(id, used),
    log: logInto(logs, used),
    store: watched(store, used),
    fetch: noted(used, 'fetch', (input, init) => {
      requests.push(input instanceof Request ? input.url : String(input))
      return answer(input, init)
    }),
    mail: {
      send: noted(used, 'mail.send', async (message: Message) => {
        if (!takesMail) throw new Fault('ERR_MAIL', 'mail: the server does not answer')
        mails.push(message)
      }),
    },
    text: (key, values, locale) => speak(plugin.text, { key, values: values ?? {}, locale: locale ?? 'en' }),
    redirectUri: new URL(`/sign-in/${id}/callback`, issuer),
    siteName: 'Example Lab',
  }
  return {
    context,
    clock,
    store,
    mails,
    logs,
    requests,
    used,
    answerWith: (fetch) => {
      answer = fetch ?? options.fetch ?? down
    },
    refuseMail: () => {
      takesMail = false
    },
    secret: (value) => {
      if (value.length >= 6) secrets.add(value)
    },
    leaks: (...said) => leaksIn([...logs, ...said], secrets),
  }
}

/** A plugin's instance on its context. */
export interface Bench<C = unknown> extends TestContext<C> {
  readonly method: AuthMethod
}

/** Creates an instance of an auth plugin on a context of its own. */
export function authBench<const S extends ConfigSchema>(
  options: ContextOptions<S> & { readonly plugin: AuthPlugin<S> },
): Bench<ConfigOf<S>> {
  const bench = testContext(options)
  return { ...bench, method: options.plugin.create(bench.context) }
}

/** A new attempt whose secrets are watched for. */
export function watchedAttempt(bench: TestContext, changes: Parameters<typeof attemptFor>[1] = {}) {
  const attempt = attemptFor(bench.context, changes)
  for (const value of [attempt.state, attempt.nonce, attempt.codeVerifier, attempt.secretUri.pathname])
    bench.secret(value)
  return attempt
}

function noted<A extends readonly unknown[], R>(used: string[], name: string, work: (...args: A) => R) {
  return (...args: A): R => {
    used.push(name)
    return work(...args)
  }
}

function watched(store: MemoryStore, used: string[]): AuthContext['store'] {
  return {
    get: noted(used, 'store.get', store.get),
    put: noted(used, 'store.put', store.put),
    take: noted(used, 'store.take', store.take),
    delete: noted(used, 'store.delete', store.delete),
    once: noted(used, 'store.once', store.once),
    count: noted(used, 'store.count', store.count),
    lock: (key, work) => {
      used.push('store.lock')
      return store.lock(key, work)
    },
  }
}

function logInto(logs: LogRecord[], used: string[]): Log {
  const at = (level: keyof Log) => (fields: LogRecord['fields'], message: string) => {
    used.push(`log.${level}`)
    logs.push({ level, fields, message })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

// The same numbers in every run, others for every instance: a failing test fails again.
function randomFor(id: string, used: string[]): Random {
  let step = 0
  const bytes = (length: number): Uint8Array => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () => hash(`${id} ${step++}`))
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
  }
  return {
    bytes: noted(used, 'random.bytes', bytes),
    token: noted(used, 'random.token', () => Buffer.from(bytes(32)).toString('base64url')),
    digits: noted(used, 'random.digits', (length: number) => Array.from(bytes(length), (byte) => byte % 10).join('')),
  }
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

interface Spoken {
  readonly key: string
  readonly values: Readonly<Record<string, string | number>>
  readonly locale: string
}

// Stricter than the core: a placeholder without its value would be seen by a person.
function speak(texts: Texts, { key, values, locale }: Spoken): string {
  const found = [locale, locale.split('-')[0] ?? 'en', 'en'].map((language) => texts[language]?.[key])
  const text = found.find((candidate) => candidate !== undefined)
  if (text === undefined) throw new TypeError(`no text \`${key}\``)
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new TypeError(`text \`${key}\` was given no value for {${name}}`)
    return String(value)
  })
}

function secretsIn(value: unknown): string[] {
  if (isSecret(value)) return [value.reveal()]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(secretsIn)
}

function leaksIn(said: readonly unknown[], secrets: ReadonlySet<string>): string[] {
  const text = said.map((one) => `${inspect(one, { depth: 12, showHidden: true })} ${json(one)}`).join('\n')
  return [...secrets].filter((secret) => text.includes(secret)).map((secret) => `${secret.slice(0, 3)}…`)
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
