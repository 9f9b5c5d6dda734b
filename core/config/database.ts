/** What the section `database` comes to. @module */
import { readFileSync } from 'node:fs'
import { Fault } from '@labgate/contract'
import type { PostgresTarget } from '../storage/postgres/client.ts'
import type { RedisTarget } from '../storage/redis.ts'
import { type PostgresUrl, readPostgresUrl } from './postgres-url.ts'
import type { Config } from './schema.ts'

/** The PostgreSQL of a config, or `undefined`: a file. @throws Fault ERR_CONFIG when the authority's file cannot be read */
export function postgresOf({ database }: Pick<Config, 'database'>): PostgresTarget | undefined {
  const { url = '', password, connections } = database
  const said = readPostgresUrl(url)
  if (said === undefined) return undefined
  const { tls = said.tls ?? (isHere(said) ? 'off' : 'verify'), ca = said.ca } = database
  const verified = ca === undefined ? {} : { ca: textOf('database', ca) }
  return { url: said.address, password: password?.reveal(), connections, tls: tls === 'off' ? 'off' : verified }
}

/** The Redis of a config, if there is one. @throws Fault ERR_CONFIG when the authority's file cannot be read */
export function redisOf({ redis }: Pick<Config, 'redis'>): RedisTarget | undefined {
  if (redis === undefined) return undefined
  const { url, username, password, ca, keep } = redis
  const verified = ca === undefined ? {} : { ca: textOf('redis', ca) }
  return { url, ...(username === undefined ? {} : { username }), password: password?.reveal(), ...verified, keep }
}

/** Of a config, where its database is. */
export interface Place {
  readonly database: Pick<Config['database'], 'url' | 'file'>
}

/** Where the database is, in words. */
export function placeOf({ database: { url, file } }: Place): string {
  return url === undefined ? file : url.replace(/\?.*$/, '')
}

/** A socket, or this machine's own address: nobody listens in between. */
function isHere({ host }: PostgresUrl): boolean {
  return (
    host === '' || host.startsWith('/') || host === 'localhost' || host === '[::1]' || /^127(?:\.\d+){3}$/.test(host)
  )
}

function textOf(section: string, file: string): string {
  const fault = (why: string, cause?: unknown) =>
    new Fault('ERR_CONFIG', `${section}.ca: ${file} ${why}`, cause === undefined ? {} : { cause })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw fault(`cannot be read: ${(cause as Error).message}`, cause)
  }
  // Node takes what is none for no authority at all, and then says that of the server.
  if (!/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(text)) throw fault('is no PEM file with a certificate')
  return text
}
