/** Cases on people and upstreams that mean no good. @module */
import assert from 'node:assert/strict'
import type { Attempt, SignInReply } from '@labgate/contract'
import { callbackReply, formReply, signInAsk, visitReply } from './attempt.ts'
import { badUpstreams } from './bad-upstream.ts'
import { type Bench, watchedAttempt } from './bench.ts'
import { type Arrange, type AuthSuite, assertRefused, benchOf, type Case, signedIn } from './suite.ts'
import { answer, begin, doneOf, isOpen, type Outcome, outcomeOf, reach, shown, walk } from './walk.ts'

/** Replays, mix-ups, lies and nonsense. */
export function hostileCases(suite: AuthSuite): Case[] {
  const once = suite.repeatable === undefined
  const bound: Case[] = [
    { name: 'a reply is worth one sign-in', run: () => replyOnce(suite) },
    { name: 'a reply to another attempt signs nobody in', run: () => otherAttempt(suite) },
    { name: 'a reply to another instance signs nobody in', run: () => otherInstance(suite) },
  ]
  return [
    ...(once ? bound : []),
    { name: 'refuses the nonce of another attempt', run: () => lied(suite, 'wrongNonce') },
    { name: 'refuses an issuer that is not the upstream', run: () => lied(suite, 'otherIssuer') },
    { name: 'never calls an unproven e-mail address verified', run: () => unproven(suite) },
    ...(suite.faults ?? []).map(({ name, arrange }) => ({ name, run: () => refusesIn(suite, name, arrange) })),
    { name: 'answers nonsense with a refusal or a Fault', run: () => nonsense(suite) },
    { name: 'no secret is in the log or in an error', run: () => keepsSecrets(suite) },
  ]
}

async function replyOnce(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const { last } = await signedIn(suite, bench)
  if (last === undefined) return
  assertRefused(await reach(bench, last), 'the same reply again')
}

async function firstReply(
  suite: AuthSuite,
  bench: Bench,
): Promise<{ reply: SignInReply; attempt: Attempt } | undefined> {
  const { outcome, attempt } = await begin(bench, suite)
  assert.ok('step' in outcome, `begin ${shown(outcome)}`)
  if (!isOpen(outcome.step)) return undefined
  return { reply: await answer(suite, { step: outcome.step, attempt, bench }), attempt }
}

async function otherAttempt(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const mine = await firstReply(suite, bench)
  if (mine === undefined) return
  const { attempt } = await begin(bench, suite)
  assertRefused(await reach(bench, { reply: mine.reply, attempt }), "another attempt's reply")
}

async function otherInstance(suite: AuthSuite): Promise<void> {
  const one = await firstReply(suite, benchOf(suite, 'one'))
  if (one === undefined) return
  const other = benchOf(suite, 'other')
  const { attempt } = await begin(other, suite)
  assertRefused(await reach(other, { reply: one.reply, attempt }), "another instance's reply")
}

/** Whether the plugin asks an upstream at all; found by signing in. */
async function asksUpstream(suite: AuthSuite): Promise<boolean> {
  const bench = benchOf(suite)
  await signedIn(suite, bench)
  return bench.requests.length > 0
}

async function arrangeOf(suite: AuthSuite, lie: 'wrongNonce' | 'otherIssuer' | 'unverifiedEmail') {
  const said = suite.hostile?.[lie]
  if (typeof said === 'function') return said
  const needed = said === undefined && (await asksUpstream(suite))
  assert.ok(!needed, `say how in \`hostile.${lie}\`, or say there why it cannot happen`)
  return undefined
}

async function lied(suite: AuthSuite, lie: 'wrongNonce' | 'otherIssuer'): Promise<void> {
  const arrange = await arrangeOf(suite, lie)
  if (arrange !== undefined) await refusesIn(suite, lie, arrange)
}

async function refusesIn(suite: AuthSuite, when: string, arrange: Arrange): Promise<void> {
  assertRefused(await arranged(suite, arrange), when)
}

async function arranged(suite: AuthSuite, arrange: Arrange): Promise<Outcome> {
  const bench = benchOf(suite)
  const undo = await arrange(bench)
  try {
    return (await walk(bench, suite)).outcome
  } finally {
    undo?.()
  }
}

async function unproven(suite: AuthSuite): Promise<void> {
  const arrange = await arrangeOf(suite, 'unverifiedEmail')
  if (arrange === undefined) return
  const outcome = await arranged(suite, arrange)
  const done = doneOf(outcome)
  if (done === undefined) return assertRefused(outcome, 'an unproven address')
  const verified = done.facts.filter(({ claim, trust }) => claim === 'email' && trust === 'verified')
  assert.deepEqual(verified, [], 'an unproven address was called verified')
}

async function nonsense(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  for (const [name, value] of nonsenseInputs(suite)) {
    const ask = signInAsk({ [name]: value })
    assertRefused(await outcomeOf(bench.method.begin(ask, watchedAttempt(bench))), `input ${name}`)
  }
  if (bench.method.next === undefined) return
  for (const reply of nonsenseReplies(bench)) {
    const { attempt } = await begin(bench, suite)
    assertRefused(
      await reach(bench, { reply, attempt }),
      `${reply.via} ${reply.method} ${reply.url.search.slice(0, 40)}`,
    )
    const unknown = watchedAttempt(bench, { kept: { unknown: true } })
    assertRefused(await reach(bench, { reply, attempt: unknown }), `${reply.via} with what it never kept`)
  }
}

function nonsenseInputs({ input = {} }: AuthSuite): [string, string][] {
  const values = ['', ' ', '\u0000\r\nBcc: x', 'x'.repeat(100_000), '__proto__', '{{7*7}}']
  return ['unknown', ...Object.keys(input)].flatMap((name) => values.map((value): [string, string] => [name, value]))
}

function nonsenseReplies({ context }: Bench): SignInReply[] {
  const at = (query: string) => new URL(query, context.redirectUri)
  const queries = [
    '?',
    '?error=access_denied',
    '?code=',
    '?code=x&code=y',
    '?state=x&iss=x',
    `?code=${'x'.repeat(50_000)}`,
  ]
  const names = ['code', 'password', 'token', '__proto__']
  return [
    ...queries.map((query) => callbackReply(at(query))),
    callbackReply(at('?'), { method: 'POST', body: new URLSearchParams({ code: '\u0000' }) }),
    formReply({}),
    ...names.map((name) => formReply({ [name]: 'x'.repeat(10_000) })),
    visitReply(at('?token=x')),
    visitReply(at('?token='), { method: 'GET' }),
  ]
}

async function keepsSecrets(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const said: unknown[] = []
  const hear = (outcome: Outcome) => {
    if (!('step' in outcome)) said.push(outcome)
  }
  const good = await walk(bench, suite)
  hear(good.outcome)
  if (good.last !== undefined) hear(await reach(bench, good.last))
  for (const fetch of Object.values(badUpstreams)) {
    bench.answerWith(undefined)
    const mine = await firstReply(suite, bench).catch(() => undefined)
    bench.answerWith(fetch)
    if (mine !== undefined) hear(await reach(bench, mine))
    hear((await begin(bench, suite)).outcome)
  }
  assert.deepEqual(bench.leaks(...said), [], 'secrets were written to the log or into an error')
}
