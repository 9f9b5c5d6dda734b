/** Cases on a good person's way. @module */
import assert from 'node:assert/strict'
import type { Assertion, Fact } from '@labgate/contract'
import { visitAsk } from './attempt.ts'
import type { Bench } from './bench.ts'
import { type AuthSuite, benchOf, type Case, signedIn } from './suite.ts'
import { begin, doneOf, isOpen, shown, walk } from './walk.ts'

/** Signing in, and what comes of it. */
export function signInCases(suite: AuthSuite): Case[] {
  return [
    { name: 'signs a good person in with a sound assertion', run: () => signsIn(suite) },
    { name: 'speaks every language along the way', run: () => speaksAll(suite) },
    { name: 'names the same person by the same subject the next time', run: () => sameSubject(suite) },
    { name: 'shows steps that can be walked', run: () => soundSteps(suite) },
    { name: 'looking at a visited page changes nothing', run: () => visitChangesNothing(suite) },
    { name: 'two instances share nothing', run: () => sharesNothing(suite) },
  ]
}

async function signsIn(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const { done } = await signedIn(suite, bench)
  assertSound(done, bench)
}

/** Fails unless an assertion is one that the core takes. */
export function assertSound(done: Assertion, { method, context }: Bench): void {
  assert.ok(method.issuers.includes(done.issuer), `issuer ${done.issuer} is not one of ${method.issuers.join(', ')}`)
  assert.ok(typeof done.subject === 'string' && done.subject.length > 0, 'the subject must not be empty')
  assert.ok(done.subject.length <= 255, 'the subject is longer than 255 characters')
  assert.ok(
    done.at instanceof Date && done.at <= new Date(context.clock.now().getTime() + 60_000),
    '`at` is no past date',
  )
  assert.ok(Array.isArray(done.amr) && done.amr.every((one) => typeof one === 'string'), 'amr must be a list of texts')
  for (const fact of done.facts) assertFact(fact)
  if (done.keep !== undefined) assertJson(done.keep, 'keep')
}

function assertFact({ claim, value, trust }: Fact): void {
  assert.ok(typeof claim === 'string' && claim !== '', 'a fact has a claim')
  assert.ok(['verified', 'asserted', 'self'].includes(trust), `${claim}: trust ${trust} is unknown`)
  assert.notEqual(value, undefined, `${claim}: a fact without a value is left out`)
  assertJson(value, claim)
}

function assertJson(value: unknown, what: string): void {
  assert.deepEqual(JSON.parse(JSON.stringify(value)), value, `${what} must be JSON`)
}

async function speaksAll(suite: AuthSuite): Promise<void> {
  for (const locale of [...Object.keys(suite.plugin.text), 'xx-XX']) {
    const { outcome } = await walk(benchOf(suite), { ...suite, answer: (turn) => suite.answer(turn), locale })
    assert.ok(doneOf(outcome), `in ${locale} it ${shown(outcome)}`)
  }
}

async function sameSubject(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const first = (await signedIn(suite, bench)).done
  bench.clock.advance(1)
  const second = (await signedIn(suite, bench)).done
  assert.deepEqual([second.issuer, second.subject], [first.issuer, first.subject])
}

async function soundSteps(suite: AuthSuite): Promise<void> {
  const { outcome } = await begin(benchOf(suite), suite)
  if (!('step' in outcome) || !isOpen(outcome.step)) return
  const { step } = outcome
  if ('keep' in step && step.keep !== undefined) assertJson(step.keep, 'keep')
  if ('to' in step) return assertTarget(step.to)
  assert.ok(step.form.submit !== '', 'a form has words on its button')
  for (const { name, label, type } of step.form.fields)
    assert.ok(name !== '' && (label !== '' || type === 'hidden'), 'a field has a name and a label')
}

function assertTarget(to: URL): void {
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(to.hostname)
  assert.ok(
    to.protocol === 'https:' || (to.protocol === 'http:' && isLoopback),
    `${to.origin} is neither https nor loopback`,
  )
}

async function visitChangesNothing(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const { visit } = bench.method
  if (visit === undefined) return
  const { outcome, attempt } = await begin(bench, suite)
  assert.ok('step' in outcome && isOpen(outcome.step), `begin ${shown(outcome)}`)
  const links = linksIn(bench, attempt.visitUri)
  const before = traces(bench)
  for (const url of links) {
    for (const sameBrowser of [true, false]) await visit(visitAsk(url, attempt, { sameBrowser }))
    await visit(visitAsk(url, undefined, { sameBrowser: false }))
  }
  assert.deepEqual(traces(bench), before, 'a look stored, mailed or asked something')
  // The look used nothing up: the same sign-in still goes on.
  let looked = false
  const looker = {
    ...suite,
    answer: async (turn: Parameters<AuthSuite['answer']>[0]) => {
      const urls = looked ? [] : linksIn(bench, turn.attempt.visitUri)
      looked = true
      for (const url of urls) await visit(visitAsk(url, turn.attempt))
      return suite.answer(turn)
    },
  }
  const after = await walk(bench, looker)
  assert.ok(doneOf(after.outcome), `after a look at the page the sign-in ${shown(after.outcome)}`)
}

function traces({ store, mails, requests }: Bench) {
  return { stored: store.entries(), puts: store.history.length, mails: mails.length, requests: requests.length }
}

// A scanner opens what stands in the mail; without a mail, the bare address.
function linksIn({ mails }: Bench, visitUri: URL): readonly URL[] {
  const found = mails.flatMap(({ text }) => text.match(/https?:\/\/\S+/g) ?? [])
  const links = found.filter((url) => url.startsWith(visitUri.href)).map((url) => new URL(url))
  return [visitUri, ...links]
}

async function sharesNothing(suite: AuthSuite): Promise<void> {
  const one = benchOf(suite, 'one')
  const other = benchOf(suite, 'other')
  assert.notEqual(one.method, other.method, 'create returned the same object twice')
  const used = other.used.length
  await signedIn(suite, one)
  assert.equal(other.used.length, used, 'signing in at one instance used the services of the other')
  assert.deepEqual(other.store.entries(), [])
}
