/** One person at one browser, walking through the sign-in by e-mail. @module */
import assert from 'node:assert/strict'
import plugin from '@labgate/auth-email'
import type { Attempt, Form, Message, SignInAsk, SignInReply, Step } from '@labgate/contract'
import { attemptFor, testContext } from '@labgate/testkit'

export interface Options {
  /** As in the config file. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Comes before a mail is noted: a real transport, or one that fails. */
  readonly send?: (message: Message) => Promise<void>
}

/** A fresh instance of the plugin with its world. */
export function instance({ config = {}, send }: Options = {}) {
  const world = testContext({ plugin, config })
  const mail = {
    async send(message: Message) {
      await send?.(message)
      await world.context.mail.send(message)
    },
  }
  const attempt = () => attemptFor(world.context)
  return { world: { ...world, attempt }, method: plugin.create({ ...world.context, mail }) }
}

export type Instance = ReturnType<typeof instance>

export function ask(changes: Partial<SignInAsk> & { readonly email?: string } = {}): SignInAsk {
  const { email, ...rest } = changes
  const input = new URLSearchParams(email === undefined ? {} : { email })
  return { locale: 'en', clientName: 'Atlas Viewer', loginHint: undefined, address: '192.0.2.7', input, ...rest }
}

export function reply(body: Record<string, string>, changes: Partial<SignInReply> = {}): SignInReply {
  return {
    via: 'form',
    method: 'POST',
    url: new URL('https://gate.example.test/interaction/u/m/email'),
    body: new URLSearchParams(body),
    locale: 'en',
    address: '192.0.2.7',
    ...changes,
  }
}

/** Begins with an address and answers the attempt as the core would hand it to `next`. */
export async function begun({ world, method }: Instance, changes: Parameters<typeof ask>[0] = {}): Promise<Attempt> {
  const attempt = world.attempt()
  const step = await method.begin(ask({ email: 'ada@example.org', ...changes }), attempt)
  return { ...attempt, kept: keptOf(step) }
}

export function next({ method }: Instance, given: SignInReply, attempt: Attempt): Promise<Step> {
  assert.ok(method.next)
  return method.next(given, attempt)
}

export function visit({ method }: Instance, ask: { url: URL; sameBrowser: boolean; attempt: Attempt | undefined }) {
  assert.ok(method.visit)
  return method.visit({ locale: 'en', ...ask })
}

export function keptOf(step: Step) {
  return 'keep' in step ? step.keep : undefined
}

export function formOf(step: Step): Form {
  assert.ok('form' in step, `a form, got ${JSON.stringify(step)}`)
  return step.form
}

export function refusalOf(step: Step) {
  assert.ok('no' in step, `a refusal, got ${JSON.stringify(step)}`)
  return step.no
}

/** The code of the last mail. */
export function codeOf({ world }: Instance): string {
  const found = /^ {4}(\d{3}) (\d{3})$/m.exec(world.mails.at(-1)?.text ?? '')
  assert.ok(found, 'a code in the mail')
  return `${found[1]}${found[2]}`
}

/** The link of the last mail. */
export function linkOf({ world }: Instance): URL {
  const found = /^https:\S+$/m.exec(world.mails.at(-1)?.text ?? '')
  assert.ok(found, 'a link in the mail')
  return new URL(found[0])
}

/** A code that is not the one of the last mail. */
export function wrongCode(at: Instance, step = 1): string {
  return String((Number(codeOf(at)) + step) % 1_000_000).padStart(6, '0')
}
