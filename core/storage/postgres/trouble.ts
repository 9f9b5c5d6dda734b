/** What whoever runs the site can do about what PostgreSQL, or the way to it, says. @module */

const authority = 'name the PEM file of the authority that signed its certificate in `database.ca`'
const reach = 'see that it runs, and is reached from here by `database.url`'

/** By code of PostgreSQL (its Appendix A) or of Node. */
const mends: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: authority,
  SELF_SIGNED_CERT_IN_CHAIN: authority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: authority,
  UNABLE_TO_GET_ISSUER_CERT: authority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: authority,
  CERT_SIGNATURE_FAILURE: authority,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: `database.url` must say that one',
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it there',
  '28P01': 'check the user in `database.url` and `database.password`',
  '28000': 'check the user in `database.url`, and what pg_hba.conf there lets in',
  '3D000': 'there is no such database: create it (docs/postgresql.md)',
  '53300': 'raise `max_connections` there, or lower `database.connections` of each process',
  ECONNREFUSED: reach,
  ENOTFOUND: reach,
  EHOSTUNREACH: reach,
  ETIMEDOUT: reach,
  ENOENT: reach,
}

/** Whether the way to it is broken, and not what was asked: the same may go well in a moment. */
export function isAway({ code, message }: { readonly code?: unknown; readonly message: string }): boolean {
  if (typeof code === 'string') return /^(08|57P0|E[A-Z]+$)/.test(code) || Object.hasOwn(mends, code)
  return /^Connection terminated|^timeout exceeded when trying to connect|connection error and is not queryable/.test(
    message,
  )
}

/** The mend, if there is one to tell. */
export function mendOf({ code, message }: { readonly code?: unknown; readonly message: string }): string | undefined {
  if (message === 'The server does not support SSL connections')
    return 'set `ssl = on` there, or `database.tls: off` where nobody listens in between'
  return typeof code === 'string' && Object.hasOwn(mends, code) ? mends[code] : undefined
}
