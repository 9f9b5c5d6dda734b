/** The address of a PostgreSQL, as people know it from libpq, with what its query says of the way there. Pure. @module */

/** An address, taken apart. */
export interface PostgresUrl {
  /** Without what it says of TLS. */
  readonly address: string
  /** Where it leads: a name, an address, or the folder of a socket; empty for this machine. */
  readonly host: string
  /** `sslmode`, when it is there. */
  readonly tls?: 'verify' | 'off'
  /** `sslrootcert`, when it is there. */
  readonly ca?: string
}

/** What libpq would accept unverified is verified here (`require`, `verify-ca`); `allow` and `prefer` promise nothing. */
const modes: Readonly<Record<string, 'verify' | 'off'>> = {
  disable: 'off',
  require: 'verify',
  'verify-ca': 'verify',
  'verify-full': 'verify',
}

/** Takes one apart; `undefined` for what is none, has a password, or asks for what is not offered. */
export function readPostgresUrl(text: string): PostgresUrl | undefined {
  const parts = /^(postgres(?:ql)?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]*)\/[^/?#\s]+)(?:\?([^#\s]+))?$/.exec(text)
  if (parts === null || (parts[2] ?? '').includes(':')) return undefined
  const [, whole = '', , place = '', query = ''] = parts
  const said = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [, name = '', value = ''] = /^(host|sslmode|sslrootcert)=(.+)$/.exec(pair) ?? []
    if (name === '' || said.has(name)) return undefined
    said.set(name, value)
  }
  const [host, mode, ca] = [said.get('host'), said.get('sslmode'), said.get('sslrootcert')]
  const tls = mode === undefined ? undefined : modes[mode]
  if (mode !== undefined && tls === undefined) return undefined
  return {
    address: host === undefined ? whole : `${whole}?host=${host}`,
    // What stands in the query is where it goes.
    host: host === undefined ? place.replace(/:\d+$/, '') : decodeURIComponent(host),
    ...(tls === undefined ? {} : { tls }),
    ...(ca === undefined || ca === 'system' ? {} : { ca: decodeURIComponent(ca) }),
  }
}
