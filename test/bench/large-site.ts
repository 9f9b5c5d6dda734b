/** Places for a Labgate in whose database much has happened: people, their tokens, clients; made past the server, in bulk. @module */
import { hash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { openStorage, type Storage, type StorageOptions } from '../../core/storage/storage.ts'
import { makeSite, type Site } from './servers.ts'

const ignore = () => undefined
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const clock = { now: () => new Date() }
const day = 86_400

/** How much of what there is. */
export interface Sizes {
  readonly people: number
  /** Living access tokens, spread over the people. */
  readonly tokens: number
  /** Access tokens that are expired. */
  readonly expired: number
  readonly clients: number
  /** Instances of a dialect that does nothing. */
  readonly plugins: number
}

export const nothing: Sizes = { people: 0, tokens: 0, expired: 0, clients: 0, plugins: 0 }

/** The value of the token of a number; 256 bits that nobody guesses who does not know how they are made. */
export function tokenValue(number: number): string {
  return hash('sha256', `bench token ${number}`, 'base64url')
}

/** The secret of every client of the database. */
export const clientSecret = 'bench-secret-of-all-clients'
/** The client of a number. */
export const clientId = (number: number) => `client-${number}`

/** How long what was kept is taken again, in milliseconds: its tokens live for a day. */
const keptFor = 20 * 3600 * 1000

/** Makes a place of these sizes; a token takes some 50 µs, so in a folder `keep` it is left for the next time. */
export async function makeLargeSite(sizes: Sizes, keep?: string): Promise<Site> {
  const kept = keep && join(keep, Object.values(sizes).join('-'))
  const filled = kept && join(kept, 'filled')
  const at = filled === undefined ? undefined : await readFile(filled, 'utf8').catch(() => undefined)
  const isFresh = at !== undefined && Date.now() - Number(at) < keptFor
  if (kept !== undefined && !isFresh) await rm(kept, { recursive: true, force: true })
  if (kept !== undefined) await mkdir(kept, { recursive: true })
  const none = Object.fromEntries(
    Array.from({ length: sizes.plugins }, (_, number) => [
      `none-${number}`,
      { use: join(import.meta.dirname, 'nothing'), prefix: `/none-${number}` },
    ]),
  )
  const plugins = { once: { use: join(import.meta.dirname, 'at-once') }, ...none }
  const site = await makeSite(() => ({ plugins }), kept)
  if (isFresh) return site
  // It makes the tables.
  await (await site.start()).stop()
  await fill(site, sizes)
  if (filled !== undefined) await writeFile(filled, String(Date.now()))
  return site
}

/** Opens the database of a place whose server does not run, or beside it. */
export async function storageOf({ folder }: Site, { pause }: Pick<StorageOptions, 'pause'> = {}): Promise<Storage> {
  const key = await readFile(join(folder, 'sealing.key'), 'utf8')
  return openStorage({ file: join(folder, 'labgate.db'), keys: [key], clock, log, ...(pause ? { pause } : {}) })
}

async function fill(site: Site, { people, tokens, expired, clients }: Sizes): Promise<void> {
  const storage = await storageOf(site)
  try {
    fillTables(join(site.folder, 'labgate.db'), { people, clients, secret: () => sealedSecret(storage) })
    await inBatches(storage, people, (unit, person) => {
      const { id, account } = grantOf(person)
      const payload = {
        ...{ ...ownersOf(person), iat: seconds(), exp: seconds() + 90 * day },
        ...{ jti: id, kind: 'Grant', openid: { scope: 'openid email' } },
      }
      unit.put({ model: 'Grant', id, payload, expiresAt: payload.exp, account, client: 'first' })
    })
    await inBatches(storage, tokens, (unit, number) =>
      putToken(unit, { value: tokenValue(number), expiresAt: seconds() + day, person: number % Math.max(1, people) }),
    )
    await addExpired(storage, { people, count: expired })
  } finally {
    await storage.close()
  }
}

/** Adds so many access tokens that have expired within a day, spread over the people. */
export async function addExpired(storage: Storage, { people, count }: { people: number; count: number }) {
  await inBatches(storage, count, (unit, number) =>
    putToken(unit, {
      value: tokenValue(-1 - number),
      expiresAt: seconds() - 1 - (number % day),
      person: number % Math.max(1, people),
    }),
  )
}

const seconds = () => Math.floor(Date.now() / 1000)
const grantOf = (person: number) => ({ id: `bench-grant-${person}`, account: `p${person}` })
const ownersOf = (person: number) => ({ accountId: grantOf(person).account, clientId: 'first' })

interface BenchToken {
  readonly value: string
  readonly expiresAt: number
  readonly person: number
}

function putToken(unit: Unit, { value, expiresAt, person }: BenchToken): void {
  const { id: grantId, account } = grantOf(person)
  // As it is stored: its name and its kind are those of its row.
  const payload = {
    ...{ ...ownersOf(person), iat: seconds(), exp: expiresAt, grantId, gty: 'authorization_code' },
    ...{ scope: 'openid email', expiresWithSession: false },
  }
  unit.put({ model: 'AccessToken', id: value, payload, expiresAt, grantId, account, client: 'first' })
}

async function inBatches(storage: Storage, count: number, put: (unit: Unit, number: number) => void): Promise<void> {
  for (let from = 0; from < count; from += 2000) {
    const unit = storage.artifacts.unit()
    for (let number = from; number < Math.min(count, from + 2000); number++) put(unit, number)
    await unit.commit()
  }
}

type Unit = ReturnType<Storage['artifacts']['unit']>

const sealedSecret = ({ ring }: Storage) => ring.seal(clientSecret, 'client-secret')

function fillTables(
  file: string,
  { people, clients, secret }: { people: number; clients: number; secret: () => Buffer },
): void {
  const database = new Database(file)
  const account = database.prepare(
    `insert into account (id, state, role, username, display_name, email_verified, created_at, updated_at, revision, numeric_id)
     values (?, 'active', 'user', ?, ?, 0, 0, 0, 1, ?)`,
  )
  const client = database.prepare(
    `insert into client (id, metadata, secret_sealed, source, created_at, revision) values (?, ?, ?, 'database', 0, 1)`,
  )
  const settings = {
    ...{ redirectUris: [], postLogoutRedirectUris: [], origins: [], grantTypes: ['client_credentials'] },
    ...{ authMethod: 'client_secret_basic', public: false, firstParty: true, pkce: true, idTokenAlg: 'RS256' },
  }
  database.transaction(() => {
    for (let person = 0; person < people; person++)
      account.run(`p${person}`, `p${person}`, `p${person}`, 10_000_000 + person)
    for (let number = 0; number < clients; number++) client.run(clientId(number), JSON.stringify(settings), secret())
  })()
  database.close()
}
