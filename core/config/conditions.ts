/** Conditions on a config that its schema says badly; each is as much a mistake as a wrong type. Pure. @module */
import { accessConditions } from './check-access.ts'
import { keyConditions } from './check-client-keys.ts'
import { profileConditions } from './check-profile.ts'
import { readPostgresUrl } from './postgres-url.ts'
import type { Path } from './problems.ts'
import type { ClientEntry, Config, PluginEntry, Rule } from './schema.ts'

/** A condition that does not hold. */
export interface Broken {
  readonly path: Path
  readonly part?: 'key' | 'value'
  readonly message: string
}

/** Every broken condition of a config that its schema has accepted. */
export function conditions(config: Config): Broken[] {
  return [
    ...mailConditions(config.mail),
    ...databaseConditions(config.database),
    ...Object.keys(config.plugins).flatMap(idConditions),
    ...Object.entries(config.plugins).flatMap(([id, entry]) => pluginConditions(['plugins', id], entry)),
    ...Object.entries(config.clients).flatMap(([id, client]) => clientConditions(['clients', id], client)),
    ...accessConditions(config),
    ...profileConditions(config),
    ...signingConditions(config.signing),
  ]
}

const [minute, day] = [60, 86_400]

/** A key that signs before everybody has it, or goes while something it signed lives, locks people out. */
function signingConditions({ rotateAfter, publishBefore, keep }: Config['signing']): Broken[] {
  const said = (key: string, message: string): Broken => ({ path: ['signing', key], message })
  return [
    ...(publishBefore < 10 * minute
      ? [said('publishBefore', 'must be at least 10m: processes and services keep copies')]
      : []),
    ...(keep < day ? [said('keep', 'must be at least 1d: longer than what a key signed lives')] : []),
    ...(rotateAfter > 0 && rotateAfter <= publishBefore
      ? [said('rotateAfter', 'must be longer than `publishBefore`, or `0s`')]
      : []),
  ]
}

function mailConditions(mail: Config['mail']): Broken[] {
  if (mail === undefined) return []
  const given = [mail.outbox, mail.smtp].filter((way) => way !== undefined).length
  if (given !== 1) return [{ path: ['mail'], part: 'key', message: 'exactly one of `outbox` and `smtp` must be there' }]
  if (mail.smtp?.username !== undefined && mail.smtp.password === undefined) {
    return [{ path: ['mail', 'smtp'], part: 'key', message: '`username` needs a `password`' }]
  }
  return []
}

function databaseConditions(database: Config['database']): Broken[] {
  const said = readPostgresUrl(database.url ?? '')
  const twice = (['tls', 'ca'] as const).filter((key) => database[key] !== undefined && said?.[key] !== undefined)
  if (database.url !== undefined)
    return twice.map((key) => ({
      path: ['database', key],
      part: 'key',
      message: `\`${key}\` and \`${key === 'tls' ? 'sslmode' : 'sslrootcert'}\` of \`url\` say the same thing; keep one`,
    }))
  const alone = (['password', 'tls', 'ca'] as const).filter((key) => database[key] !== undefined)
  return alone.map((key) => ({ path: ['database', key], part: 'key', message: `\`${key}\` goes with a \`url\`` }))
}

/** Sources of memberships and rows that are Labgate's own: an instance of such a name could speak for them. */
const ownSources: readonly string[] = ['admin', 'config', 'database', 'import', 'profile', 'system']

function idConditions(id: string): Broken[] {
  if (!ownSources.includes(id)) return []
  const message = `an instance cannot be called \`${id}\`: that name stands for what Labgate itself keeps; choose another id`
  return [{ path: ['plugins', id], part: 'key', message }]
}

function pluginConditions(path: Path, entry: PluginEntry): Broken[] {
  const { allow } = entry.admission
  return allow === undefined ? [] : ruleConditions([...path, 'admission', 'allow'], allow)
}

function ruleConditions(path: Path, rule: Rule): Broken[] {
  const kinds = Object.keys(rule).filter((key) => !comparisons.includes(key))
  const compared = Object.keys(rule).length - kinds.length
  if (kinds.length !== 1) {
    return [{ path, part: 'key', message: 'a rule has exactly one of all, any, not, domains, organisations, claim' }]
  }
  if (compared !== ('claim' in rule ? 1 : 0)) {
    return [{ path, part: 'key', message: '`claim` goes with exactly one of equals, oneOf, contains' }]
  }
  if ('not' in rule) return ruleConditions([...path, 'not'], rule.not)
  if ('all' in rule) return rule.all.flatMap((part, index) => ruleConditions([...path, 'all', index], part))
  if ('any' in rule) return rule.any.flatMap((part, index) => ruleConditions([...path, 'any', index], part))
  return []
}

const comparisons: readonly string[] = ['equals', 'oneOf', 'contains']

function clientConditions(path: Path, client: ClientEntry): Broken[] {
  const broken: Broken[] = []
  if (client.public && client.secret !== undefined) {
    broken.push({
      path: [...path, 'secret'],
      part: 'key',
      message: 'a public client can keep no secret; remove one of the two',
    })
  }
  const hasKey = client.authMethod === 'private_key_jwt' || client.profile === 'fapi2'
  if (hasKey && client.secret !== undefined) {
    broken.push({
      path: [...path, 'secret'],
      part: 'key',
      message: 'a client that signs has no secret; remove one of the two',
    })
  }
  broken.push(...keyConditions(client).map((one) => ({ ...one, path: [...path, ...one.path] })))
  if (!client.public && !hasKey && client.secret === undefined) {
    broken.push({
      path,
      part: 'key',
      message: '`secret` is missing (or `public: true` for a client that can keep none)',
    })
  }
  if (client.public && client.grantTypes.includes('client_credentials')) {
    broken.push({
      path: [...path, 'grantTypes'],
      message: 'a public client cannot have client_credentials (RFC 6749 §4.4)',
    })
  }
  return broken
}
