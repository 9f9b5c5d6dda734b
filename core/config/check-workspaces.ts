/** What `labgate check` finds in the section `workspaces`. @module */
import { directFindings } from './check-direct.ts'
import type { Finding } from './finding.ts'
import type { Config } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** Everything wrong or doubtful there. Without `kinds` (of the plugins that loaded) runners are taken at their word. */
export function workspaceFindings(config: Config, kinds?: Readonly<Record<string, string>>): Finding[] {
  const names = Object.keys(config.workspaces.profiles)
  if (names.length === 0) return []
  return [
    ...originFindings(config),
    ...names.flatMap((name) => [...profileFindings(name, config, kinds), ...directFindings(config, name)]),
  ]
}

function originFindings({ workspaces: { origin, profiles }, issuer, demo }: Config): Finding[] {
  const path = ['workspaces', 'origin']
  if (origin === undefined) {
    const message = `is not set, so ${Object.keys(profiles).join(', ')} could not be reached; give workspaces a host of their own, such as https://*.work.example.org`
    return [{ level: 'error', path, message }]
  }
  const { host, protocol } = new URL(origin.replace('://*.', '://'))
  const home = new URL(issuer)
  const findings: Finding[] = []
  if (host === home.host && !origin.includes('://*.')) {
    const message = 'is the issuer’s own: an app there could act as the person who opened it'
    findings.push({ level: demo ? 'warning' : 'error', path, message })
  }
  if (home.protocol === 'https:' && protocol !== 'https:')
    findings.push({ level: 'error', path, message: 'must be https, as the issuer is' })
  return findings
}

function profileFindings(name: string, config: Config, kinds?: Readonly<Record<string, string>>): Finding[] {
  const profile = config.workspaces.profiles[name]
  if (profile === undefined) return []
  const path = ['workspaces', 'profiles', name]
  const findings: Finding[] = []
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
    const message = 'a profile is named by small letters, digits and dashes, at most 31'
    findings.push({ level: 'error', path, message })
  }
  const runners = Object.keys(config.plugins).filter((id) => kinds === undefined || kinds[id] === 'runner')
  if (!runners.includes(profile.runner)) {
    const message = `names no runner: there is no plugin ${profile.runner} that starts workspaces${didYouMean(profile.runner, runners)}`
    findings.push({ level: 'error', path: [...path, 'runner'], message })
  }
  const { dataset } = profile.allow
  const datasets = Object.keys(config.datasets)
  if (dataset !== undefined && datasets.length > 0 && !datasets.includes(dataset)) {
    const message = `no dataset ${dataset} is in this file${didYouMean(dataset, datasets)}; until it is made in the console, nobody may start this`
    findings.push({ level: 'warning', path: [...path, 'allow', 'dataset'], message })
  }
  if (profile.preset === 'command' && (profile.port === undefined || (profile.command ?? []).length === 0)) {
    const message = 'needs `command` and `port`, or another `preset` that knows them'
    if (profile.image === undefined || profile.port === undefined) findings.push({ level: 'error', path, message })
  }
  return findings
}
