/** Cases on an upstream that is not well. @module */
import assert from 'node:assert/strict'
import { type IdentityLink, isFault } from '@labgate/contract'
import { badUpstreams } from './bad-upstream.ts'
import type { Bench } from './bench.ts'
import { type AuthSuite, benchOf, type Case, signedIn } from './suite.ts'
import { answer, begin, doneOf, isOpen, type Outcome, reach, shown } from './walk.ts'

const honest = ['ERR_UPSTREAM', 'ERR_UPSTREAM_REFUSED', 'ERR_EGRESS', 'ERR_METHOD_DOWN', 'ERR_MAIL']

/** One case per illness, and one for mail. */
export function upstreamCases(suite: AuthSuite): Case[] {
  const ill = Object.entries(badUpstreams).map(([illness, fetch]) => ({
    name: `refuses, or throws ERR_UPSTREAM, when the upstream ${illness}`,
    run: () => survives(suite, fetch),
  }))
  return [
    ...ill,
    { name: 'refuses, or throws ERR_MAIL, when mail is not taken', run: () => survivesMail(suite) },
    { name: 'refresh, logout and revoke throw nothing but Faults when the upstream is down', run: () => later(suite) },
  ]
}

async function survives(suite: AuthSuite, fetch: typeof globalThis.fetch): Promise<void> {
  const early = benchOf(suite)
  early.answerWith(fetch)
  assertHonest((await begin(early, suite)).outcome, { bench: early, asked: 0, when: 'in begin' })
  const late = benchOf(suite)
  const { outcome, attempt } = await begin(late, suite)
  assert.ok('step' in outcome, `begin ${shown(outcome)}`)
  if (!isOpen(outcome.step)) return
  const reply = await answer(suite, { step: outcome.step, attempt, bench: late })
  const asked = late.requests.length
  late.answerWith(fetch)
  assertHonest(await reach(late, { reply, attempt }), { bench: late, asked, when: 'in next' })
}

interface Hearing {
  readonly bench: Bench
  /** Requests made before. */
  readonly asked: number
  readonly when: string
}

/** Fails when an ill upstream made a bug or a sign-in. */
export function assertHonest(outcome: Outcome, { bench, asked, when }: Hearing): void {
  assert.ok(!('broken' in outcome), `${when} it ${shown(outcome)}; it must be a Fault or a refusal`)
  if ('fault' in outcome)
    assert.ok(
      honest.includes(outcome.fault.code),
      `${when} it ${shown(outcome)}; use ERR_UPSTREAM or ERR_UPSTREAM_REFUSED`,
    )
  if (bench.requests.length > asked)
    assert.equal(doneOf(outcome), undefined, `${when} it signed somebody in all the same`)
}

async function survivesMail(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  bench.refuseMail()
  assertHonest((await begin(bench, suite)).outcome, { bench, asked: 0, when: 'in begin' })
}

async function later(suite: AuthSuite): Promise<void> {
  const bench = benchOf(suite)
  const { done } = await signedIn(suite, bench)
  bench.answerWith(badUpstreams['is down'])
  const link: IdentityLink = { issuer: done.issuer, subject: done.subject, kept: done.keep }
  const { refresh, logout, revoke } = bench.method
  const works = [() => refresh?.(link), () => logout?.(link, new URL('https://gate.example/')), () => revoke?.(link)]
  for (const work of works) await onlyFaults(work)
}

async function onlyFaults(work: () => Promise<unknown> | undefined): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFault(error)) assert.fail(`threw ${String(error)} instead of a Fault`)
  }
}
