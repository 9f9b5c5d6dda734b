/** The formats a config schema may name, each with the words that tell an operator what is expected. @module */
import { isIP } from 'node:net'
import { parseAddress } from '@labgate/contract'
import { readPostgresUrl } from './postgres-url.ts'
import { parseBytes, parseDuration, parseInstant } from './units.ts'

/** One format: what it accepts, and how to say what it wants. */
export interface Format {
  readonly accepts: (text: string) => boolean
  /** Read after "must be". */
  readonly wants: string
  /** A pattern for editors, where one says it. */
  readonly pattern?: string
}

const instanceId = '^[a-z][a-z0-9-]{0,30}$'
const label = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const domain = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`)
const claimSource =
  '^(fact:[A-Za-z_][\\w.:/-]*|answer:[a-z][a-z0-9_-]{0,30}|account:(id|username|displayName|email|emailVerified|groups|role|state))$'

const byPattern = (pattern: string, wants: string): Format => {
  const compiled = new RegExp(pattern, 'u')
  return { accepts: (text) => compiled.test(text), wants, pattern }
}

/** Formats of our own, by name; those of ajv-formats (`uri`, `email`, `hostname`, `date-time` …) are known as well. */
export const formats: Readonly<Record<string, Format>> = {
  duration: {
    accepts: (text) => parseDuration(text) !== undefined,
    wants: 'a length of time such as 90s, 15m, 24h or 7d',
    pattern: '^[0-9]+[smhd]$',
  },
  bytes: {
    accepts: (text) => parseBytes(text) !== undefined,
    wants: 'a size such as 512k, 20m or 2g',
    pattern: '^[0-9]+[kmgt]?$',
  },
  email: { accepts: (text) => parseAddress(text) !== undefined, wants: 'an e-mail address such as alice@example.org' },
  origin: {
    accepts: isOrigin,
    wants: 'an origin such as https://id.example.org, without a path or a slash at the end',
  },
  'workspace-origin': {
    accepts: (text) => isOrigin(text.replace('://*.', '://')),
    wants: 'an origin such as https://*.work.example.org, or https://work.example.org for one origin for all',
  },
  postgresql: {
    accepts: (text) => readPostgresUrl(text) !== undefined,
    wants:
      'the address of a database without a password: postgresql://labgate@db.example.org/labgate, with no more after a `?` than host, sslmode (verify-full, or disable) and sslrootcert',
  },
  redis: byPattern(
    '^rediss?://[^\\s@/]+(/[0-9]+)?$',
    'the address of a Redis without a password: redis://redis.example.org:6379',
  ),
  address: { accepts: (text) => isIP(text) !== 0, wants: 'an address of this machine such as 192.0.2.10 or ::1' },
  cidr: { accepts: isCidr, wants: 'an address or a network such as 10.0.0.0/8 or fd00::/8' },
  network: {
    accepts: (text) => isCidr(text) || (isIP(text) === 0 && !/^[\d.]+$/.test(text) && domain.test(text)),
    wants: 'an address, a network such as 10.0.0.0/8, or a host name',
  },
  domain: { accepts: (text) => domain.test(text), wants: 'a domain such as example.org or *.example.org' },
  host: { accepts: isHost, wants: 'a host name, with a port when it is not the usual one: ng.example.org:8443' },
  prefix: byPattern('^(/[A-Za-z0-9._~-]+)+$', 'a path such as /ngauth, without a slash at the end'),
  colour: byPattern('^#[0-9A-Fa-f]{6}$', 'a colour such as "#0b5fff" (in quotes, or YAML takes it for a comment)'),
  support: { accepts: isSupport, wants: 'an https or mailto URL' },
  admin: byPattern(
    '^[a-z][a-z0-9-]{0,30}:.+$',
    'an instance id, a colon and an e-mail address or a subject: email:alice@example.org',
  ),
  slug: byPattern(
    '^[a-z0-9][a-z0-9._-]{0,63}$',
    'small letters, digits, dots, dashes and underscores, at most 64, beginning with a letter or a digit',
  ),
  alias: byPattern(
    '^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$',
    'letters, digits, dots, colons, dashes and underscores, at most 128, beginning with a letter or a digit',
  ),
  username: byPattern('^[a-z0-9][a-z0-9._-]{0,63}$', 'a username: small letters, digits, dots, dashes and underscores'),
  'service-username': byPattern(
    '^[a-z][a-z0-9._-]{1,38}$',
    '2 to 39 small letters, digits, dots, dashes and underscores, beginning with a letter',
  ),
  bucket: byPattern('^[a-z][a-z0-9+.-]*://[^/\\s]+$', 'a bucket with its scheme and without a path: gs://lab-bucket'),
  'root-id': {
    accepts: (text) => /^(0|[1-9]\d{0,19})$/.test(text) && BigInt(text) < 2n ** 64n,
    wants: 'an unsigned 64-bit integer in quotes',
    pattern: '^(0|[1-9][0-9]{0,19})$',
  },
  'grant-subject': byPattern(
    '^(signed-in|anyone|(group|account):.+|name:[a-z][a-z0-9-]{0,30}:.+)$',
    'group:SLUG, signed-in, anyone, account:USERNAME or name:INSTANCE:VALUE',
  ),
  permission: byPattern(
    '^[a-z][a-z0-9_:-]{0,63}$',
    'a word of small letters, digits, dashes, colons and underscores, beginning with a letter',
  ),
  instant: {
    accepts: (text) => parseInstant(text, 'begin') !== undefined,
    wants: 'a date such as 2027-03-31, or a date and time such as 2027-03-31T18:00:00Z',
    pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?$',
  },
  'instance-id': byPattern(instanceId, 'small letters, digits and dashes, at most 31, beginning with a letter'),
  'question-id': byPattern(
    '^[a-z][a-z0-9_-]{0,30}$',
    'small letters, digits, dashes and underscores, at most 31, beginning with a letter',
  ),
  answer: byPattern(
    '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,98}[A-Za-z0-9._-]$|^[A-Za-z0-9]$',
    'letters, digits, dots, dashes, underscores and blanks within, at most 100; its `label` may be any text',
  ),
  'client-id': byPattern('^[\\x21-\\x7e]{1,200}$', 'a client id: at most 200 visible ASCII characters without spaces'),
  'grant-type': byPattern(
    '^(authorization_code|refresh_token|client_credentials|[a-z][a-z0-9+.-]*:.+)$',
    'authorization_code, refresh_token, client_credentials or the URI of an extension grant',
  ),
  'claim-source': byPattern(
    claimSource,
    '`fact:NAME`, `answer:QUESTION` or `account:` with id, username, displayName, email, emailVerified, groups, role or state',
  ),
}

/** What is said of the formats that ajv-formats brings. */
export const commonWants: Readonly<Record<string, string>> = {
  uri: 'an absolute URI such as https://example.org/callback',
  hostname: 'a host name',
  'date-time': 'a date and time (RFC 3339)',
}

// What `pg` reads: a socket's folder may stand where a host stands in other addresses.
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

function isHost(text: string): boolean {
  return URL.canParse(`http://${text}`) && new URL(`https://${text}`).host === text && !/[/?#@]/.test(text)
}

function isSupport(text: string): boolean {
  return URL.canParse(text) && /^(https|mailto):/.test(text)
}
