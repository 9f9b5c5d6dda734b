/** What `labgate check` finds where apps are reached past the proxy: who could connect, and what stands in the way. @module */
import { BlockList, isIP } from 'node:net'
import type { Finding } from './finding.ts'
import type { Config, ProfileEntry } from './schema.ts'

/** Presets whose app asks for a secret of its own. */
const guarded: ReadonlySet<string> = new Set<ProfileEntry['preset']>(['jupyterlab', 'jupyter-notebook'])

/** Everything wrong with `direct` of one profile. */
export function directFindings(config: Config, name: string): Finding[] {
  const profile = config.workspaces.profiles[name]
  const direct = profile?.direct
  if (profile === undefined || direct === undefined) return []
  const found: Finding[] = []
  const say = (key: readonly string[], message: string, level: Finding['level'] = 'error') =>
    void found.push({ level, path: ['workspaces', 'profiles', name, 'direct', ...key], message })
  const { bind, everyInterface, ports, host } = direct
  if (profile.credential === undefined && !guarded.has(profile.preset))
    say(
      [],
      `an app of the preset ${profile.preset} asks nobody for anything, so anybody could use it; give it a \`credential\``,
    )
  if (isEvery(bind) && !everyInterface)
    say(['bind'], 'is every network of this machine; name one address, or say `everyInterface: true`')
  if (isEvery(bind) && host === undefined) say(['host'], 'is missing: people cannot be sent to every address')
  if (ports.from > ports.to) say(['ports'], 'begins after it ends')
  for (const { what, at, port } of listenersOf(config))
    if (port >= ports.from && port <= ports.to && meets(bind, at))
      say(['ports'], `has port ${port}, on which Labgate itself listens (\`${what}\`)`)
  const issuer = new URL(config.issuer).hostname
  // Cookies know no ports: whatever runs there would be sent those of the issuer over https.
  if ((host ?? bind).toLowerCase() === issuer.replace(/^\[|\]$/g, ''))
    say(
      [host === undefined ? 'bind' : 'host'],
      'is the issuer’s: browsers send its cookies to every port',
      config.demo ? 'warning' : 'error',
    )
  return found
}

function listenersOf({ listen, management }: Config) {
  return [
    ...(listen.socket === undefined ? [{ what: 'listen', at: listen.host, port: listen.port }] : []),
    ...(management.enabled ? [{ what: 'management', at: management.host, port: management.port }] : []),
  ]
}

function isEvery(address: string): boolean {
  const every = new BlockList()
  every.addAddress('0.0.0.0')
  every.addAddress('::', 'ipv6')
  return isIP(address) !== 0 && every.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Whether two listeners of one port stand in each other's way; a name may be any address of this machine. */
function meets(bind: string, at: string): boolean {
  if (isEvery(bind) || isEvery(at) || bind === at) return true
  return at === 'localhost' ? isLoopback(bind) : isIP(at) === 0
}

function isLoopback(address: string): boolean {
  return /^(127\.|::1$)/.test(address)
}
