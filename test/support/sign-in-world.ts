/** One instance of a sign-in against an upstream: driven as the core drives it, without the core. @module */
import {
  type Assertion,
  type Attempt,
  type AuthMethod,
  type AuthPlugin,
  type ConfigOf,
  type ConfigSchema,
  Fault,
  type IdentityLink,
  type Json,
  type SignInReply,
  type Step,
  type Store,
} from '@labgate/contract'
import { validateAgainst } from '../../core/config/validate.ts'
import { type AuthWorld, authWorld } from './auth-context.ts'
import type { Upstream } from './upstream.ts'

export interface SignInWorld<Config = unknown> extends Omit<AuthWorld<Config>, 'context'> {
  readonly method: AuthMethod
  readonly redirectUri: URL
  /** `begin`, with the address to go to and the attempt as the core would hand it to `next`. */
  begin(changes?: Partial<Attempt>): Promise<{ to: URL; attempt: Attempt }>
  /** The whole way; what `next` answers. */
  signIn(login: string, changes?: Partial<Attempt>): Promise<Step>
  /** The whole way; it must end well. */
  assertion(login: string, changes?: Partial<Attempt>): Promise<Assertion>
}

export interface SignInWorldOptions<S extends ConfigSchema> {
  readonly plugin: AuthPlugin<S>
  /** As in the config file; a secret may be a text. */
  readonly config: Readonly<Record<string, Json>>
  readonly id?: string
  readonly fetch?: typeof globalThis.fetch
  readonly store?: Store
}

/** The redirect URI of the instance `id` in a {@link signInWorld}. */
export const redirectUri = (id: string) => `https://gate.example.test/sign-in/${id}/callback`

/** The instance's config as the core makes it, defaults filled in; problems are thrown. */
export function configOf<S extends ConfigSchema>(
  plugin: AuthPlugin<S>,
  given: Readonly<Record<string, Json>>,
): ConfigOf<S> {
  const { value, problems } = validateAgainst(plugin.config, given, { path: [], env: {}, demo: true })
  if (problems.length > 0) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return value as ConfigOf<S>
}

/** A fresh instance; nothing is shared between two. */
export function signInWorld<S extends ConfigSchema>(
  upstream: Pick<Upstream, 'signIn'>,
  options: SignInWorldOptions<S>,
): SignInWorld<ConfigOf<S>> {
  const { plugin, id = plugin.name } = options
  const world = authWorld({ config: configOf(plugin, options.config), text: plugin.text, id })
  const fetch = options.fetch ?? guardedFetch
  const context = { ...world.context, fetch, store: options.store ?? world.store }
  const method = plugin.create(context)
  const begin: SignInWorld['begin'] = async (changes) => {
    const attempt = world.attempt(changes)
    const step = await method.begin(ask, attempt)
    if (!('to' in step)) throw new Error(`begin answered ${JSON.stringify(step)}`)
    return { to: step.to, attempt: { ...attempt, kept: step.keep } }
  }
  const signIn: SignInWorld['signIn'] = async (login, changes) => {
    const { to, attempt } = await begin(changes)
    const back = await upstream.signIn(to, login)
    return method.next!(callback(back), attempt)
  }
  return {
    ...world,
    method,
    redirectUri: context.redirectUri,
    begin,
    signIn,
    async assertion(login, changes) {
      const step = await signIn(login, changes)
      if ('done' in step) return step.done
      throw new Error(`the sign-in ended with ${JSON.stringify(step)}`)
    },
  }
}

const ask = {
  locale: 'en',
  clientName: 'Notebooks',
  loginHint: undefined,
  address: '192.0.2.1',
  input: new URLSearchParams(),
}

/** The upstream's redirect, as `next` gets it. */
export function callback(url: URL): SignInReply {
  return { via: 'callback', method: 'GET', url, body: new URLSearchParams(), locale: 'en', address: '192.0.2.1' }
}

/** What the core keeps of an identity after a sign-in. */
export function linkOf({ issuer, subject, keep }: Assertion): IdentityLink {
  return { issuer, subject, kept: keep }
}

/** A fetch as the core hands it out, with limits fit for tests: 400 ms, 200 kB, no redirects. */
export const guardedFetch: typeof globalThis.fetch = async (input, init) => {
  const signal = AbortSignal.timeout(400)
  const response = await fetch(input, { redirect: 'manual', ...init, signal }).catch((cause: unknown) => {
    throw new Fault('ERR_UPSTREAM', `no answer from ${new URL(String(input)).host}`, { cause })
  })
  return new Response(response.body?.pipeThrough(capped(200_000)) ?? null, response)
}

function capped(limit: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let seen = 0
  return new TransformStream({
    transform(chunk, controller) {
      seen += chunk.byteLength
      if (seen > limit) controller.error(new Fault('ERR_UPSTREAM', `the answer is larger than ${limit} bytes`))
      else controller.enqueue(chunk)
    },
  })
}
