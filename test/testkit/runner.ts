/**
 * The conformance cases of kind `runner`. Records, quotas, leases and the proxy are the core's; here stands what only
 * the plugin can get wrong.
 * @module
 */
import { test } from 'node:test'
import type { ConfigSchema } from '@labgate/contract'
import { launchCases } from './cases-runner-launch.ts'
import { lifeCases } from './cases-runner-life.ts'
import { peopleCases } from './cases-runner-people.ts'
import { planCases } from './cases-runner-plan.ts'
import type { RunnerSuite } from './runner-bench.ts'
import type { Case } from './suite.ts'

/** Registers a test per conformance case. Call it at the top of a test file. */
export function runnerConformance<const S extends ConfigSchema>(suite: RunnerSuite<S>): void {
  for (const { name, run } of runnerCases(suite)) test(`${suite.plugin.name}: ${name}`, run)
}

/** The cases themselves, for those who run them in another way. */
export function runnerCases<const S extends ConfigSchema>(suite: RunnerSuite<S>): readonly Case[] {
  // The cases read nothing of the config's type; `S` only helps whoever writes the suite.
  const loose = suite as unknown as RunnerSuite
  return [...planCases(loose), ...launchCases(loose), ...lifeCases(loose), ...peopleCases(loose)]
}
