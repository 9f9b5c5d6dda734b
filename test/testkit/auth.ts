/**
 * The conformance cases of kind `auth`. State and browser binding are the core's, and tested there; here stands
 * what only the plugin can get wrong.
 * @module
 */
import { test } from 'node:test'
import type { AuthPlugin, ConfigSchema } from '@labgate/contract'
import { definitionCases } from './cases-definition.ts'
import { hostileCases } from './cases-hostile.ts'
import { redeemCases } from './cases-redeem.ts'
import { signInCases } from './cases-sign-in.ts'
import { upstreamCases } from './cases-upstream.ts'
import type { AuthSuite, Case } from './suite.ts'

/** Registers a test per conformance case. Call it at the top of a test file. */
export function authConformance<const S extends ConfigSchema>(suite: AuthSuite<S>): void {
  for (const { name, run } of authCases(suite)) test(`${suite.plugin.name}: ${name}`, run)
}

/** The cases themselves, for those who run them in another way. */
export function authCases<const S extends ConfigSchema>(suite: AuthSuite<S>): readonly Case[] {
  // The cases read nothing of the config's type; `S` only helps whoever writes the suite.
  const loose = suite as unknown as AuthSuite<ConfigSchema> & { readonly plugin: AuthPlugin }
  const common = [...definitionCases(loose), ...signInCases(loose), ...hostileCases(loose), ...upstreamCases(loose)]
  return [...common, ...redeemCases(loose)]
}
