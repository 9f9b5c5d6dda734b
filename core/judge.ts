/** What is wrong or doubtful with a config beyond its form, once its plugins are loaded: the same for a check, a start and a reload. @module */
import { scopesOfDialects } from './bearer.ts'
import { checkConfig, type Known } from './config/check.ts'
import type { LoadedConfig } from './config/load.ts'
import { type ConfigProblem, problemAt } from './config/problems.ts'
import type { Registry } from './registry/registry.ts'

/** What was found: errors stop a start or a reload, warnings are told. */
export interface Judgement {
  readonly errors: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
}

/** What is wrong or doubtful with a config beyond its form, given the plugins as far as they could be loaded. */
export function findProblems(
  loaded: Pick<LoadedConfig, 'config' | 'warnings'> & { readonly locate?: LoadedConfig['locate'] | undefined },
  registry: Registry | undefined,
): Judgement {
  const findings = checkConfig(loaded.config, registry && knownOf(registry))
  const told = (level: 'error' | 'warning') =>
    findings
      .filter((finding) => finding.level === level)
      .map((finding) => problemAt({ ...finding, locate: loaded.locate }, finding.message))
  return { errors: told('error'), warnings: [...loaded.warnings, ...told('warning'), ...failedOf(registry)] }
}

function knownOf(registry: Registry): Known {
  const all = [...registry.auth(), ...registry.authz(), ...registry.runners()]
  const scopes = registry.authz().flatMap(({ adapter }) => Object.keys(adapter.oidc?.scopes ?? {}))
  const grantTypes = registry.authz().flatMap(({ adapter }) => Object.keys(adapter.oidc?.grantTypes ?? {}))
  const tokenScopes = Object.keys(scopesOfDialects(registry))
  return { tokenScopes, kinds: Object.fromEntries(all.map(({ id, kind }) => [id, kind])), scopes, grantTypes }
}

function failedOf(registry: Registry | undefined): ConfigProblem[] {
  return (registry?.failed() ?? []).map(({ id, failed }) => ({
    path: `plugins.${id}`,
    message: `optional, and ${failed}`,
  }))
}
