/** A person's way through a sign-in, step by step, with everything that can come of it. @module */
import {
  type Assertion,
  type Attempt,
  type Fault,
  isFault,
  type Json,
  type SignInReply,
  type Step,
} from '@labgate/contract'
import { signInAsk } from './attempt.ts'
import { type Bench, watchedAttempt } from './bench.ts'

/** A step after which the person has something to do. */
export type OpenStep = Extract<Step, { readonly to: URL } | { readonly form: unknown }>

/** What the person has before them. */
export interface Turn {
  readonly step: OpenStep
  readonly attempt: Attempt
  readonly bench: Bench
}

/** How a good person signs in. */
export interface Person {
  /** Fields filled in on the card. */
  readonly input?: Readonly<Record<string, string>>
  readonly locale?: string
  /** Does what the step asks, honestly, and returns what comes back to us. */
  answer(turn: Turn): Promise<SignInReply>
}

/** What came of a step: a step, a fault, or a bug. */
export type Outcome = { readonly step: Step } | { readonly fault: Fault } | { readonly broken: unknown }

/** A finished way. */
export interface Way {
  readonly outcome: Outcome
  readonly attempt: Attempt
  /** The last thing that came back, with the attempt as it was then. */
  readonly last: { readonly reply: SignInReply; readonly attempt: Attempt } | undefined
}

const mostSteps = 6

/** Walks until the sign-in is done, refused or broken. */
export async function walk(bench: Bench, person: Person): Promise<Way> {
  let { outcome, attempt } = await begin(bench, person)
  let last: Way['last']
  for (let turn = 0; turn < mostSteps && 'step' in outcome && isOpen(outcome.step); turn++) {
    const reply = await answer(person, { step: outcome.step, attempt, bench })
    last = { reply, attempt }
    outcome = await reach(bench, last)
    attempt = after(attempt, outcome)
  }
  return { outcome, attempt, last }
}

/** Begins an attempt and takes what it keeps. */
export async function begin(bench: Bench, person: Person): Promise<{ outcome: Outcome; attempt: Attempt }> {
  const attempt = watchedAttempt(bench)
  const ask = signInAsk(person.input, person.locale === undefined ? {} : { locale: person.locale })
  const outcome = await outcomeOf(bench.method.begin(ask, attempt))
  return { outcome, attempt: after(attempt, outcome) }
}

/** Lets the person answer; what they bring back is watched for in the log. */
export async function answer(person: Person, turn: Turn): Promise<SignInReply> {
  const reply = await person.answer(turn)
  const values = [...reply.url.searchParams, ...reply.body].flatMap(([name, value]) => (name === 'iss' ? [] : [value]))
  for (const value of values.filter((one) => !one.includes('@'))) turn.bench.secret(value)
  return person.locale === undefined ? reply : { ...reply, locale: person.locale }
}

/** Hands a reply to `next`. */
export async function reach(
  bench: Bench,
  { reply, attempt }: { reply: SignInReply; attempt: Attempt },
): Promise<Outcome> {
  const work = bench.method.next?.(reply, attempt)
  return work === undefined ? { broken: new TypeError('a step was open, but there is no `next`') } : outcomeOf(work)
}

/** The assertion of an outcome that is done. */
export function doneOf(outcome: Outcome): Assertion | undefined {
  return 'step' in outcome && 'done' in outcome.step ? outcome.step.done : undefined
}

/** Whether the person has something to do. */
export function isOpen(step: Step): step is OpenStep {
  return 'to' in step || 'form' in step
}

/** An outcome in a few words, for messages. */
export function shown(outcome: Outcome): string {
  if ('broken' in outcome) return `threw ${String(outcome.broken)}`
  return 'fault' in outcome ? `threw Fault ${outcome.fault.code}` : `answered ${Object.keys(outcome.step)[0]}`
}

/** What a promise of a step came to. */
export async function outcomeOf(work: Promise<Step>): Promise<Outcome> {
  try {
    return { step: await work }
  } catch (error) {
    return isFault(error) ? { fault: error } : { broken: error }
  }
}

function after(attempt: Attempt, outcome: Outcome): Attempt {
  const keep = 'step' in outcome && 'keep' in outcome.step ? outcome.step.keep : undefined
  return keep === undefined ? attempt : { ...attempt, kept: stored(keep) }
}

// The core keeps it as JSON; what JSON cannot carry is lost here too.
function stored(keep: Json): Json {
  return JSON.parse(JSON.stringify(keep))
}
