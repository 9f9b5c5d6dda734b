/** Cases on what a plugin is, before anybody signs in. @module */
import assert from 'node:assert/strict'
import { type AuthPlugin, contractVersion } from '@labgate/contract'
import { badUpstreams } from './bad-upstream.ts'
import { testContext } from './bench.ts'
import { configFrom, schemaProblems } from './config.ts'
import { purely } from './pure.ts'
import { type AuthSuite, benchOf, type Case } from './suite.ts'

/** Shape, schema, texts, purity, life. */
export function definitionCases(suite: AuthSuite): Case[] {
  const { plugin, config } = suite
  return [
    { name: 'is a plugin of kind auth for this contract', run: async () => isAuthPlugin(plugin) },
    {
      name: 'its config schema is strict, described, and its defaults fit',
      run: async () => assert.deepEqual(schemaProblems(plugin.config), []),
    },
    {
      name: 'its config refuses an unknown key',
      run: async () => {
        assert.doesNotThrow(() => configFrom(plugin.config, config))
        assert.throws(() => configFrom(plugin.config, { ...Object(config), unknownKey: 1 }), /unknownKey is unknown/)
      },
    },
    { name: 'every language says what English says', run: async () => assert.deepEqual(textProblems(plugin), []) },
    { name: 'create is pure', run: async () => createIsPure(suite) },
    { name: 'names the issuers it may assert', run: async () => namesIssuers(suite) },
    { name: 'its card has a label, or says why there is none', run: async () => showsCard(suite) },
    { name: 'stops before a start, and twice', run: () => stopsTwice(suite) },
    { name: 'says how it is while its upstream is down', run: () => tellsHealth(suite) },
  ]
}

function isAuthPlugin(plugin: AuthPlugin): void {
  assert.equal(plugin.kind, 'auth')
  assert.equal(plugin.contract, contractVersion)
  assert.match(plugin.name, /^[a-z][a-z0-9-]*$/)
}

/** Texts that say less than English, or something else. */
export function textProblems({ text }: Pick<AuthPlugin, 'text'>): string[] {
  const holes = (words: string | undefined) => [...new Set(words?.match(/\{\w+\}/g) ?? [])].toSorted().join(' ')
  return Object.entries(text).flatMap(([language, words]) =>
    Object.entries(words).flatMap(([key, value]) => {
      if (value.trim() === '') return [`${language}.${key} is empty`]
      if (text.en[key] === undefined) return [`${language}.${key} has no English text`]
      return holes(value) === holes(text.en[key]) ? [] : [`${language}.${key} has other placeholders than English`]
    }),
  )
}

function createIsPure(suite: AuthSuite): void {
  const { plugin, config } = suite
  const bench = testContext({ plugin, config })
  const touched = purely(() => plugin.create(bench.context))
  assert.deepEqual([...touched, ...bench.used], [], 'create must touch nothing; open things in `start`')
}

function namesIssuers(suite: AuthSuite): void {
  const { issuers } = benchOf(suite).method
  assert.ok(issuers.length > 0, 'at least one issuer')
  for (const issuer of issuers) assert.ok(typeof issuer === 'string' && issuer !== '', 'an issuer is a text')
}

function showsCard(suite: AuthSuite): void {
  const { method } = benchOf(suite)
  for (const locale of [...Object.keys(suite.plugin.text), 'xx-XX']) {
    const card = method.card({ locale })
    const words = 'hidden' in card ? card.hidden : card.label
    assert.ok(typeof words === 'string' && words.trim() !== '', `no words on the card in ${locale}`)
    if ('icon' in card && card.icon !== undefined) assert.match(card.icon.trim(), /^<svg[\s>]/)
  }
}

async function stopsTwice(suite: AuthSuite): Promise<void> {
  await benchOf(suite).method.stop?.()
  const { method } = benchOf(suite)
  await method.start?.(new AbortController().signal)
  await method.stop?.()
  await method.stop?.()
}

async function tellsHealth(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  bench.answerWith(badUpstreams['is down'])
  const { method } = bench
  const before = await method.health?.()
  if (before !== undefined) assert.equal(typeof before.ok, 'boolean')
  await method.start?.(new AbortController().signal).catch(() => undefined)
  const after = await method.health?.()
  if (after !== undefined && !after.ok) assert.ok(after.detail, 'health that is not ok says why')
  await method.stop?.()
}
