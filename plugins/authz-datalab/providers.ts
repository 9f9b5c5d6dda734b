/** datalab's names for ways to sign in, and the instances behind them. @module */
import type { SignIn } from '@labgate/contract'
import type { DatalabContext } from './config.ts'

/** The names, in the order of `/info`. */
export const providerNames = ['github', 'orcid', 'email', 'google', 'microsoft'] as const
/** One of them. */
export type ProviderName = (typeof providerNames)[number]

/** Which instance stands behind which name, now. */
export interface Providers {
  /** `undefined` when this datalab does not offer it. */
  instanceOf(name: string): string | undefined
  /** The name of an instance; several of one plugin share it. */
  typeOf(instance: string): ProviderName | undefined
}

/** Looks it up at every use: instances may come and go. */
export function providersOf({ config, signIns }: Pick<DatalabContext, 'config' | 'signIns'>): Providers {
  const named = (name: ProviderName, all: readonly SignIn[]): string | undefined => {
    const given = config.providers[name]
    if (given !== undefined) return all.some(({ id }) => id === given) ? given : undefined
    // datalab has Microsoft by its own plugin; here it is an OpenID provider like others, so that it must be named.
    return name === 'microsoft' ? undefined : all.find(({ plugin }) => plugin === name)?.id
  }
  return {
    instanceOf(name) {
      const known = providerNames.find((one) => one === name)
      return known && named(known, signIns())
    },
    typeOf(instance) {
      const all = signIns()
      const given = providerNames.find((name) => config.providers[name] === instance)
      const plugin = all.find(({ id }) => id === instance)?.plugin
      return given ?? providerNames.find((name) => name !== 'microsoft' && name === plugin)
    },
  }
}
