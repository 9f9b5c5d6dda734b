/** Which domains may sign in: two spellings of the list, one answer. @module */
import { Fault, parseDomain } from '@labgate/contract'
import type { Config } from './config.ts'

/** Answers for a domain in the form of `parseAddress`. `nobody`: no domain can ever pass. */
export interface DomainRule {
  readonly nobody: boolean
  allows(domain: string): boolean
}

/**
 * Compiles the list of the config, label by label: `evilexample.org` is no subdomain of `example.org`.
 * @throws Fault ERR_CONFIG for both lists at once, or an entry that is no domain
 */
export function domainRule(id: string, config: Pick<Config, 'domains' | 'emailDomainAllowList'>): DomainRule {
  const { domains, emailDomainAllowList: datalab } = config
  if (domains !== undefined && datalab !== undefined)
    throw new Fault('ERR_CONFIG', `plugins.${id}.config: give either domains or emailDomainAllowList, not both`)
  if (domains) return anyOf(domains.map((entry) => oneEntry(id, entry)))
  if (Array.isArray(datalab)) return anyOf(datalab.flatMap((entry) => withSubdomains(id, String(entry))))
  return { nobody: false, allows: () => true }
}

type Matcher = (domain: string) => boolean

function anyOf(matchers: readonly Matcher[]): DomainRule {
  return { nobody: matchers.length === 0, allows: (domain) => matchers.some((matches) => matches(domain)) }
}

function oneEntry(id: string, entry: string): Matcher {
  if (!entry.startsWith('*.')) return exactly(id, entry)
  const suffix = `.${checked(id, entry.slice(2))}`
  return (domain) => domain.endsWith(suffix)
}

function withSubdomains(id: string, entry: string): Matcher[] {
  return [exactly(id, entry), oneEntry(id, `*.${entry}`)]
}

function exactly(id: string, entry: string): Matcher {
  const name = checked(id, entry)
  return (domain) => domain === name
}

function checked(id: string, entry: string): string {
  const domain = parseDomain(entry)
  if (domain !== undefined) return domain
  throw new Fault('ERR_CONFIG', `plugins.${id}.config: not a domain: ${entry}; write example.org`)
}
