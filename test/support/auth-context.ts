/**
 * An AuthContext in memory for tests of sign-ins: clock by hand, store with real expiry, recorded mails and log,
 * and an attempt as the core would make it.
 * @module
 */
import { randomBytes, randomInt } from 'node:crypto'
import type { Attempt, AuthContext, Json, Message, Store, Texts } from '@labgate/contract'

export interface LogLine {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export interface AuthWorld<Config> {
  readonly context: AuthContext<Config>
  readonly mails: Message[]
  readonly logs: LogLine[]
  /** Everything that was ever stored, by key: what a dump of the database would show of the values. */
  readonly stored: Map<string, Json>
  readonly store: Store
  advance(seconds: number): void
  attempt(changes?: Partial<Attempt>): Attempt
}

export interface WorldOptions<Config> {
  readonly config: Config
  readonly text: Texts
  readonly id?: string
  /** Replaces the recording of mails: a real transport, or one that fails. */
  readonly send?: (message: Message) => Promise<void>
}

const origin = 'https://gate.example.test'

/** A fresh world; nothing is shared between two. */
export function authWorld<Config>(options: WorldOptions<Config>): AuthWorld<Config> {
  const { config, text, id = 'email' } = options
  let now = Date.parse('2030-01-02T03:04:05Z')
  const clock = { now: () => new Date(now) }
  const { store, stored } = memoryStore(() => now)
  const mails: Message[] = []
  const logs: LogLine[] = []
  const logAt = (level: string) => (fields: LogLine['fields'], message: string) => {
    logs.push({ level, fields, message })
  }
  const context: AuthContext<Config> = {
    id,
    config,
    clock,
    store,
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    random: {
      bytes: (length) => randomBytes(length),
      token: () => randomBytes(32).toString('base64url'),
      digits: (length) => Array.from({ length }, () => randomInt(10)).join(''),
    },
    fetch: () => Promise.reject(new Error('this sign-in needs no fetch')),
    text: (key, values = {}, locale = 'en') => textOf(text, { key, values, locale }),
    mail: {
      async send(message) {
        await options.send?.(message)
        mails.push(message)
      },
    },
    redirectUri: new URL(`${origin}/sign-in/${id}/callback`),
    siteName: 'Example Lab',
  }
  const attempt = (changes: Partial<Attempt> = {}): Attempt => attemptOf(id, changes)
  const advance = (seconds: number): void => {
    now += seconds * 1000
  }
  return { context, mails, logs, stored, store, advance, attempt }
}

function attemptOf(instance: string, changes: Partial<Attempt>): Attempt {
  const id = randomBytes(16).toString('base64url')
  return {
    id,
    state: randomBytes(32).toString('base64url'),
    nonce: randomBytes(32).toString('base64url'),
    codeVerifier: randomBytes(32).toString('base64url'),
    redirectUri: new URL(`${origin}/sign-in/${instance}/callback`),
    secretUri: new URL(`${origin}/sign-in/${instance}/a/${randomBytes(32).toString('base64url')}`),
    visitUri: new URL(`${origin}/sign-in/${instance}/visit?attempt=${id}`),
    purpose: 'sign-in',
    fresh: false,
    kept: undefined,
    ...changes,
  }
}

interface TextAsk {
  readonly key: string
  readonly values: Readonly<Record<string, string | number>>
  readonly locale: string
}

function textOf(texts: Texts, { key, values, locale }: TextAsk): string {
  const found = texts[locale]?.[key] ?? texts.en[key]
  if (found === undefined) throw new TypeError(`no text ${key}`)
  return found.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new TypeError(`text ${key} needs ${name}`)
    return String(value)
  })
}

interface Row {
  readonly value: Json
  readonly ends: number
}

function memoryStore(now: () => number): { readonly store: Store; readonly stored: Map<string, Json> } {
  const rows = new Map<string, Row>()
  const stored = new Map<string, Json>()
  const live = (key: string): Row | undefined => {
    const row = rows.get(key)
    return row && row.ends > now() ? row : undefined
  }
  const set = (key: string, value: Json, ttlSeconds: number): void => {
    rows.set(key, { value, ends: now() + ttlSeconds * 1000 })
    stored.set(key, value)
  }
  const store: Store = {
    get: async (key) => live(key)?.value,
    put: async (key, value, ttlSeconds) => set(key, value, ttlSeconds),
    async take(key) {
      const row = live(key)
      rows.delete(key)
      return row?.value
    },
    async delete(key) {
      rows.delete(key)
    },
    async once(key, ttlSeconds) {
      if (live(`once ${key}`)) return false
      set(`once ${key}`, true, ttlSeconds)
      return true
    },
    async count(key, ttlSeconds) {
      const row = live(`count ${key}`)
      const sum = Number(row?.value ?? 0) + 1
      rows.set(`count ${key}`, { value: sum, ends: row?.ends ?? now() + ttlSeconds * 1000 })
      stored.set(`count ${key}`, sum)
      return sum
    },
    lock: (_key, work) => work(),
  }
  return { store, stored }
}
