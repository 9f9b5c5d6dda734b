/** Cases on credentials that a job brings without a browser. A plugin without `redeem` has none to pass. @module */
import assert from 'node:assert/strict'
import type { RedeemAsk } from '@labgate/contract'
import { badUpstreams } from './bad-upstream.ts'
import type { Bench } from './bench.ts'
import { assertSound } from './cases-sign-in.ts'
import { assertHonest } from './cases-upstream.ts'
import { type AuthSuite, assertRefused, benchOf, type Case, signedIn } from './suite.ts'
import { doneOf, type Outcome, outcomeOf, shown } from './walk.ts'

type Fields = RedeemAsk['fields']

/** Good credentials, credentials that mean no good, and an upstream that is not well. */
export function redeemCases(suite: AuthSuite): Case[] {
  if (suite.redeem === undefined) return [{ name: 'a redeem is shown to the cases', run: async () => none(suite) }]
  const cases: Case[] = [
    { name: 'redeems a job’s credentials for the person who signs in by a browser', run: () => samePerson(suite) },
    { name: 'redeem refuses nonsense and leaves nothing open', run: () => nonsense(suite) },
    { name: 'redeem refuses, or throws ERR_UPSTREAM, when the upstream is not well', run: () => illUpstreams(suite) },
    { name: 'no secret of a redeem is in the log or in an error', run: () => keepsSecrets(suite) },
  ]
  if (suite.redeem.repeatable !== undefined) return cases
  return [...cases, { name: 'a job’s credentials are worth one redeem, at once too', run: () => worthOne(suite) }]
}

function none(suite: AuthSuite): void {
  const { redeem } = benchOf(suite).method
  assert.equal(redeem, undefined, 'the plugin has `redeem`: say in `redeem.fields` of the suite what a good job sends')
}

async function fieldsOf({ redeem }: AuthSuite, bench: Bench): Promise<Fields> {
  assert.ok(redeem)
  const fields = await redeem.fields()
  for (const value of Object.values(fields).filter((one) => !one.includes('@'))) bench.secret(value)
  return fields
}

async function redeem({ method }: Bench, fields: Fields): Promise<Outcome> {
  const work = method.redeem?.({ fields, address: '192.0.2.7' })
  const outcome = await outcomeOf(work ?? Promise.reject(new TypeError('there is no `redeem`')))
  if ('step' in outcome)
    assert.ok('done' in outcome.step || 'no' in outcome.step, `redeem ${shown(outcome)}; nobody is there to go on`)
  return outcome
}

async function samePerson(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const outcome = await redeem(bench, await fieldsOf(suite, bench))
  const done = doneOf(outcome)
  assert.ok(done, `good credentials must be redeemed, but it ${shown(outcome)}`)
  assertSound(done, bench)
  const { subject, issuer } = (await signedIn(suite, benchOf(suite))).done
  assert.deepEqual({ subject: done.subject, issuer: done.issuer }, { subject, issuer })
}

async function worthOne(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const fields = await fieldsOf(suite, bench)
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => redeem(bench, fields)))
  assert.equal(outcomes.filter((outcome) => doneOf(outcome) !== undefined).length, 1, 'of five at once one counts')
  for (const outcome of outcomes) if (doneOf(outcome) === undefined) assertRefused(outcome, 'the same at once')
  assertRefused(await redeem(bench, fields), 'the same credentials again')
}

async function nonsense(suite: AuthSuite): Promise<void> {
  const good = await fieldsOf(suite, benchOf(suite))
  const values = ['', ' ', '\u0000\r\nBcc: x', 'x'.repeat(1000), '{{7*7}}', '\ud800', '＠', "' or 1=1 --"]
  const spoilt = Object.keys(good).flatMap((name) => values.map((value): Fields => ({ ...good, [name]: value })))
  const lacking = Object.keys(good).map((name): Fields => {
    const { [name]: _, ...rest } = good
    return rest
  })
  const strange: Fields[] = [{}, { unknown: 'x' }, { ['__proto__']: 'x' }, ...lacking, ...spoilt]
  for (const fields of strange) assertRefused(await redeem(benchOf(suite), fields), JSON.stringify(fields).slice(0, 80))
}

async function illUpstreams(suite: AuthSuite): Promise<void> {
  for (const [illness, fetch] of Object.entries(badUpstreams)) {
    const bench = benchOf(suite)
    const fields = await fieldsOf(suite, bench)
    bench.answerWith(fetch)
    assertHonest(await redeem(bench, fields), { bench, asked: 0, when: `in redeem, when it ${illness},` })
  }
}

async function keepsSecrets(suite: AuthSuite): Promise<void> {
  const said: Outcome[] = []
  const bench = benchOf(suite)
  const good = await fieldsOf(suite, bench)
  const mixed = Object.fromEntries(
    Object.entries(good).map(([name, value]) => [name, name === 'email' ? value : `${value}x`]),
  )
  for (const value of Object.values(mixed).filter((one) => !one.includes('@'))) bench.secret(value)
  for (const fetch of [undefined, ...Object.values(badUpstreams)]) {
    bench.answerWith(fetch)
    said.push(await redeem(bench, mixed))
    if (fetch !== undefined) said.push(await redeem(bench, good))
  }
  assert.deepEqual(bench.leaks(...said), [], 'secrets were written to the log or into an error')
}
