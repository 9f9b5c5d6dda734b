/** What the section `database` comes to. @module */
import { readFileSync } from 'node:fs'
import { Fault } from '@labgate/contract'
import type { PostgresTarget } from '../storage/postgres/client.ts'
import type { RedisTarget } from '../storage/redis.ts'
import type { Config } from './schema.ts'

/** The PostgreSQL of a config, or `undefined`: a file. @throws Fault ERR_CONFIG when the authority's file cannot be read */
export function postgresOf({ database }: Pick<Config, 'database'>): PostgresTarget | undefined {
  const { url, password, connections, tls = isHere(url) ? 'off' : 'verify', ca } = database
  if (url === undefined) return undefined
  const verified = ca === undefined ? {} : { ca: textOf('database', ca) }
  return { url, password: password?.reveal(), connections, tls: tls === 'off' ? 'off' : verified }
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
function isHere(url: string | undefined): boolean {
  const named = /^[a-z]+:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^/?:]*)/i.exec(url ?? '')?.[1] ?? ''
  // What stands in the query is where it goes.
  const host = decodeURIComponent(/\?host=(.+)$/.exec(url ?? '')?.[1] ?? named)
  return (
    host === '' || host.startsWith('/') || host === 'localhost' || host === '[::1]' || /^127(?:\.\d+){3}$/.test(host)
  )
}

function textOf(section: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Fault('ERR_CONFIG', `${section}.ca: ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
