/**
 * What `labgate check` finds beyond a config's form: addresses that give codes away, rules that let nobody in,
 * names of things that are not there. Pure: takes the loaded config and what the registry knows.
 * @module
 */
import { accessFindings } from './check-access.ts'
import { clientFindings, isLoopback } from './check-clients.ts'
import { type Always, verdict } from './check-rules.ts'
import { workspaceFindings } from './check-workspaces.ts'
import type { Finding } from './finding.ts'
import type { Path } from './problems.ts'
import type { Config, PluginEntry } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** What the registry knows of the plugins. */
export interface Known {
  /** Kind by instance id, of the enabled instances that could be loaded. */
  readonly kinds: Readonly<Record<string, string>>
  /** Scopes that plugins add to the OpenID Provider. */
  readonly scopes: readonly string[]
  /** Grant types that plugins add to it. */
  readonly grantTypes: readonly string[]
  /** Scopes that an API token may have for a dialect. Absent: the config is taken at its word. */
  readonly tokenScopes?: readonly string[]
}

/** Everything that is wrong or doubtful with a loaded config. Without `known`, plugins are taken at their word. */
export function checkConfig(config: Config, known?: Known): Finding[] {
  const place = {
    demo: config.demo,
    scopes: scopesOf(config, known),
    grantTypes: grantTypesOf(known),
    resources: Object.keys(config.resources),
  }
  return [
    ...siteFindings(config),
    ...Object.entries(config.plugins).flatMap(([id, entry]) => admissionFindings(id, entry)),
    ...homeFindings(config),
    ...Object.entries(config.plugins).flatMap(([id, entry]) => jobsFindings(id, { entry, config, known })),
    ...namesIn(config).flatMap((named) => signInFindingsOf(named, config, known)),
    ...signInFindings(config, known),
    ...Object.entries(config.clients).flatMap(([id, client]) =>
      clientFindings(client, { path: ['clients', id], ...place }),
    ),
    ...accessFindings(config),
    ...workspaceFindings(config, known?.kinds),
  ]
}

function siteFindings(config: Config): Finding[] {
  const findings: Finding[] = []
  const issuer = new URL(config.issuer)
  const isLocal = isLoopback(issuer)
  if (issuer.protocol !== 'https:' && !isLocal) {
    findings.push({
      level: config.demo ? 'warning' : 'error',
      path: ['issuer'],
      message: 'must be https beyond loopback',
    })
  }
  if (config.demo && !isLocal) {
    findings.push({
      level: 'warning',
      path: ['demo'],
      message: 'demo is on, but others can reach this issuer; set it to false',
    })
  }
  if (config.keys.length === 0 && !config.demo) {
    const message = 'no sealing key: secrets in the database could not be sealed; `openssl rand -base64 32` makes one'
    findings.push({ level: 'error', path: ['keys'], message })
  }
  const { listen, management } = config
  const wantSame = listen.socket === undefined && listen.port !== 0 && listen.port === management.port
  if (management.enabled && wantSame && isOneHost(config))
    findings.push({
      level: 'error',
      path: ['management', 'port'],
      message: 'is the port of `listen`; it needs its own',
    })
  const smtp = config.mail?.smtp
  if (smtp?.security === 'none' && !/^(localhost|127\.|\[?::1)/.test(smtp.host)) {
    const message = 'mail in clear is for a server on this machine; use `starttls` or `tls`'
    findings.push({ level: 'error', path: ['mail', 'smtp', 'security'], message })
  }
  if (config.session.idle > config.session.max) {
    findings.push({
      level: 'warning',
      path: ['session', 'idle'],
      message: 'is longer than `max`, which ends the session first',
    })
  }
  if (config.mail === undefined) {
    findings.push({ level: 'warning', path: ['mail'], message: 'is not set: no mail can be sent, not even to admins' })
  }
  return findings
}

/** Whether one listener takes what the other wants. */
function isOneHost({ listen, management }: Config): boolean {
  const hosts = [listen.host, management.host]
  return listen.host === management.host || hosts.some((host) => host === '0.0.0.0' || host === '::')
}

const said: Readonly<Record<Always, string>> = {
  never: 'this rule can never hold, so nobody could come in',
  always: 'this rule always holds, so everybody could come in',
}

function admissionFindings(id: string, { enabled, admission }: PluginEntry): Finding[] {
  if (!enabled || admission.allow === undefined) return []
  const always = verdict(admission.allow)
  if (always === 'sometimes') return []
  const level = always === 'never' ? 'error' : 'warning'
  return [{ level, path: ['plugins', id, 'admission', 'allow'], part: 'key', message: said[always] }]
}

/** A job's token is made without a browser, by whoever holds a code: it is short, and looks after nothing. */
function jobsFindings(id: string, at: { entry: PluginEntry; config: Config; known: Known | undefined }): Finding[] {
  const { entry, config, known } = at
  const { enabled, life, scopes } = entry.jobs
  if (!entry.enabled || !enabled) return []
  const path = ['plugins', id, 'jobs']
  const error = (part: string | number, message: string): Finding => ({
    level: 'error',
    path: typeof part === 'number' ? [...path, 'scopes', part] : [...path, part],
    message,
  })
  const longest = Math.min(86_400, config.access.tokenMaxLife)
  return [
    ...(life < 60 || life > longest ? [error('life', `must be from 1m to ${Math.floor(longest / 60)}m`)] : []),
    ...scopes.flatMap((scope, index) => {
      if (scope === 'admin') return [error(index, 'must not be `admin`: a job looks after nothing here')]
      const scopesThere = known?.tokenScopes
      if (scopesThere === undefined || scopesThere.includes(scope)) return []
      return [error(index, `there is no scope \`${scope}\`${didYouMean(scope, scopesThere)}`)]
    }),
  ]
}

function homeFindings({ plugins }: Config): Finding[] {
  const homes = new Map<string, string>()
  return Object.entries(plugins).flatMap(([id, { enabled, home, host = '' }]): Finding[] => {
    if (!enabled || !home) return []
    const first = homes.get(host)
    homes.set(host, first ?? id)
    if (first === undefined) return []
    return [{ level: 'error', path: ['plugins', id, 'home'], message: `${first} is the home of this host already` }]
  })
}

interface Named {
  /** `instance:value`. */
  readonly name: string
  readonly path: Path
}

/** Everybody whom the config names by what a sign-in says of them. */
function namesIn({ admins, groups, grants }: Config): Named[] {
  const inGroups = Object.entries(groups).flatMap(([slug, { members, managers }]) => [
    ...members.map((name, index) => ({ name, path: ['groups', slug, 'members', index] })),
    ...managers.map((name, index) => ({ name, path: ['groups', slug, 'managers', index] })),
  ])
  return [
    ...admins.map((name, index) => ({ name, path: ['admins', index] })),
    ...inGroups.filter(({ name }) => !name.startsWith('account:')),
    ...grants.flatMap(({ to }, index) =>
      to.startsWith('name:') ? [{ name: to.slice('name:'.length), path: ['grants', index, 'to'] }] : [],
    ),
  ]
}

function signInFindingsOf({ name, path }: Named, { plugins }: Config, known: Known | undefined): Finding[] {
  const id = name.slice(0, name.indexOf(':'))
  const entry = Object.hasOwn(plugins, id) ? plugins[id] : undefined
  if (entry === undefined) {
    return [{ level: 'error', path, message: `there is no plugin \`${id}\`${didYouMean(id, Object.keys(plugins))}` }]
  }
  if (!entry.enabled) return [{ level: 'warning', path, message: `the plugin \`${id}\` is not enabled` }]
  const kind = known?.kinds[id] ?? 'auth'
  return kind === 'auth'
    ? []
    : [{ level: 'error', path, message: `\`${id}\` is no way to sign in (its kind is ${kind})` }]
}

function signInFindings(config: Config, known: Known | undefined): Finding[] {
  const enabled = Object.entries(config.plugins).filter(([, entry]) => entry.enabled)
  const waysIn = enabled.filter(([id]) => known === undefined || known.kinds[id] === 'auth')
  if (waysIn.length > 0) return []
  const needing = Object.entries(config.clients).filter(([, client]) =>
    client.grantTypes.includes('authorization_code'),
  )
  const message = 'nobody can sign in here: no plugin of kind auth is enabled'
  return [
    { level: 'warning', path: ['plugins'], part: 'key', message },
    ...needing.map(([id]): Finding => ({ level: 'error', path: ['clients', id], part: 'key', message })),
  ]
}

function scopesOf(config: Config, known: Known | undefined): readonly string[] | undefined {
  if (known === undefined) return undefined
  const ours = config.demo ? ['labgate:sources'] : []
  return ['openid', 'offline_access', ...Object.keys(config.claims), ...known.scopes, ...ours]
}

const ownGrantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
]

function grantTypesOf(known: Known | undefined): readonly string[] | undefined {
  return known && [...ownGrantTypes, ...known.grantTypes]
}
