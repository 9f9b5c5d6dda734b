/** One instance of the LabArchives sign-in against the stand-in, driven as the core drives it, without the core. @module */
import assert from 'node:assert/strict'
import plugin from '@labgate/auth-labarchives'
import type { Assertion, Attempt, IdentityLink, Json, Refusal, SignInReply, Step } from '@labgate/contract'
import {
  authBench,
  type Bench,
  callbackReply,
  formReply,
  manualClock,
  signInAsk,
  watchedAttempt,
} from '@labgate/testkit'
import { type LabArchives, labKey } from '../../support/labarchives.ts'
import { guardedFetch } from '../auth-oidc/world.ts'

type Config = Parameters<typeof plugin.create>[0]['config']

export interface LabWorld extends Bench<Config> {
  /** `begin` at the button, with the address to go to and the attempt as the core would hand it to `next`. */
  begin(changes?: Partial<Attempt>): Promise<{ to: URL; attempt: Attempt }>
  /** What `next` makes of what came back. */
  next(reply: SignInReply, attempt: Attempt): Promise<Step>
  /** The whole way by the page. */
  signIn(login: string): Promise<Step>
  /** The whole way by the page; it must end well. */
  assertion(login: string): Promise<Assertion>
  /** The whole way by a typed code. */
  type(fields: Readonly<Record<string, string>>, attempt?: Attempt): Promise<Step>
}

/** The least config of an instance at the stand-in; it does not wait between calls. */
export const configAt = ({ origin }: Pick<LabArchives, 'origin'>, more: Readonly<Record<string, Json>> = {}) => ({
  baseUrl: origin,
  ...labKey,
  minIntervalMs: 0,
  ...more,
})

/** A fresh instance, at the real time; nothing is shared between two. */
export function labWorld(lab: LabArchives, config: Readonly<Record<string, Json>> = {}): LabWorld {
  const clock = manualClock(new Date())
  const bench = authBench({ plugin, config: configAt(lab, config), fetch: guardedFetch, clock })
  const begun = async (input: Readonly<Record<string, string>>, changes?: Partial<Attempt>) => {
    const attempt = watchedAttempt(bench, changes)
    const step = await bench.method.begin(signInAsk(input), attempt)
    const kept = 'keep' in step ? step.keep : undefined
    return { step, attempt: { ...attempt, kept } }
  }
  const next: LabWorld['next'] = async (reply, attempt) => {
    for (const name of ['auth_code', 'code']) {
      const value = reply.url.searchParams.get(name) ?? reply.body.get(name)
      if (value !== null) bench.secret(value)
    }
    return bench.method.next!(reply, attempt)
  }
  const begin: LabWorld['begin'] = async (changes) => {
    const { step, attempt } = await begun({}, changes)
    assert.ok('to' in step, `begin answered ${Object.keys(step)[0]}`)
    return { to: step.to, attempt }
  }
  const signIn = async (login: string) => {
    const { to, attempt } = await begin()
    return next(callbackReply(await lab.signIn(to, login)), attempt)
  }
  return {
    ...bench,
    begin,
    next,
    signIn,
    async assertion(login) {
      return doneOf(await signIn(login))
    },
    async type(fields, given) {
      const attempt = given ?? (await begun({ manual: 'on' })).attempt
      return next(formReply(fields), attempt)
    },
  }
}

/** The assertion of a step that is done. */
export function doneOf(step: Step): Assertion {
  assert.ok('done' in step, `expected done, got ${JSON.stringify(step)}`)
  return step.done
}

/** The refusal of a step that is a no. */
export function noOf(step: Step): Refusal {
  assert.ok('no' in step, `expected a no, got ${JSON.stringify(step)}`)
  return step.no
}

/** What the core keeps of an identity after a sign-in. */
export function linkOf({ issuer, subject, keep }: Assertion): IdentityLink {
  return { issuer, subject, kept: keep }
}

/** A fact's value. */
export function factOf({ facts }: Assertion, claim: string): { value: Json; trust: string } | undefined {
  const found = facts.find((fact) => fact.claim === claim)
  return found && { value: found.value, trust: found.trust }
}

/** Ends all misbehaviour of the stand-in. */
export function calm({ faults }: LabArchives): void {
  const [answer, callback, refuse] = [undefined, undefined, undefined]
  Object.assign(faults, { fail: {}, aheadMs: 0, errorsWith200: false, answer, callback, refuse })
}
