import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuthContext, AuthMethod, AuthPlugin, Step } from '@labgate/contract'
import { type AuthSuite, authCases, authConformance, callbackReply, type Turn } from '@labgate/testkit'
import { type Holder, ticket, ticketOffice } from './support/plugins/ticket.ts'

function suiteFor(plugin: AuthPlugin): AuthSuite {
  const office = ticketOffice()
  const lie = (holder: Partial<Holder>) => () => {
    office.lies.holder = holder
    return () => {
      office.lies.holder = {}
    }
  }
  return {
    plugin,
    config: { key: 'open-sesame-at-the-office' },
    fetch: office.fetch,
    hostile: {
      wrongNonce: lie({ nonce: 'of another attempt' }),
      otherIssuer: lie({ iss: 'https://other.example' }),
      unverifiedEmail: lie({ email_verified: false }),
    },
    async answer({ step, attempt }: Turn) {
      assert.ok('to' in step)
      const back = new URL(attempt.redirectUri)
      back.searchParams.set('ticket', office.sell(step.to))
      return callbackReply(back)
    },
  }
}

const good = ticket as unknown as AuthPlugin

describe('a good sign-in', () => authConformance(suiteFor(good)))

type Change = (method: AuthMethod, context: AuthContext) => Partial<AuthMethod>

/** The good plugin with some of its method replaced. */
function broken(change: Change): AuthPlugin {
  return {
    ...good,
    create: (context) => {
      const method = good.create(context)
      return { ...method, ...change(method, context) }
    },
  }
}

/** The good plugin with a changed end of its sign-in. */
function withDone(change: (done: Extract<Step, { done: unknown }>['done']) => object): AuthPlugin {
  return broken((method) => ({
    async next(reply, attempt) {
      const step = await (method.next as NonNullable<AuthMethod['next']>)(reply, attempt)
      return 'done' in step ? { done: { ...step.done, ...change(step.done) } } : step
    },
  }))
}

function careless(trusting: (holder: Holder) => string | undefined): AuthPlugin {
  return broken((_, context) => ({
    async next(reply) {
      const body = new URLSearchParams({ ticket: reply.url.searchParams.get('ticket') ?? '' })
      const response = await context.fetch('https://office.example/redeem', { method: 'POST', body })
      const holder = (await response.json()) as Holder
      const issuer = trusting(holder)
      if (issuer === undefined) return { no: { reason: 'denied', message: 'no' } }
      const facts = [{ claim: 'email', value: holder.email, trust: 'verified' as const }]
      return { done: { issuer, subject: holder.sub, facts, amr: [], at: context.clock.now() } }
    },
  }))
}

const shared = new Map<string, string>()
let made = 0

/** Each plugin is wrong in one way, and the case named with it must say so. */
const planted: readonly { readonly fault: string; readonly plugin: AuthPlugin; readonly caught: string }[] = [
  {
    fault: 'opens a timer in create',
    plugin: broken(() => {
      clearTimeout(setTimeout(() => undefined, 1))
      return {}
    }),
    caught: 'create is pure',
  },
  {
    fault: 'reads the store in create',
    plugin: broken((_, { store }) => {
      void store.get('x')
      return {}
    }),
    caught: 'create is pure',
  },
  {
    fault: 'lets unknown keys through deep in its schema',
    plugin: {
      ...good,
      config: {
        ...good.config,
        properties: { ...good.config.properties, more: { type: 'object', description: 'More.' } },
      },
    },
    caught: 'its config schema is strict, described, and its defaults fit',
  },
  {
    fault: 'has a default that its schema refuses',
    plugin: {
      ...good,
      config: {
        ...good.config,
        properties: { ...good.config.properties, wait: { type: 'integer', description: 'Seconds.', default: '5' } },
      },
    },
    caught: 'its config schema is strict, described, and its defaults fit',
  },
  {
    fault: 'asks for a text it does not have',
    plugin: broken((_, { text }) => ({ card: () => ({ label: text('titel') }) })),
    caught: 'its card has a label, or says why there is none',
  },
  {
    fault: 'forgets the value of a placeholder',
    plugin: broken((_, { text }) => ({ card: () => ({ label: text('go') }) })),
    caught: 'its card has a label, or says why there is none',
  },
  {
    fault: 'has a text in one language only',
    plugin: { ...good, text: { ...good.text, fr: { allez: 'Allez' } } },
    caught: 'every language says what English says',
  },
  {
    fault: 'throws when it is stopped twice',
    plugin: broken(() => {
      let open = true
      return {
        async stop() {
          if (!open) throw new Error('already closed')
          open = false
        },
      }
    }),
    caught: 'stops before a start, and twice',
  },
  {
    fault: 'asks its upstream for its health and falls over',
    plugin: broken((_, { fetch }) => ({ health: async () => ({ ok: (await fetch('https://office.example')).ok }) })),
    caught: 'says how it is while its upstream is down',
  },
  {
    fault: 'asserts an issuer it has not declared',
    plugin: withDone(() => ({ issuer: 'https://elsewhere.example' })),
    caught: 'signs a good person in with a sound assertion',
  },
  {
    fault: 'has an empty subject',
    plugin: withDone(() => ({ subject: '' })),
    caught: 'signs a good person in with a sound assertion',
  },
  {
    fault: 'makes up a subject each time',
    plugin: withDone(({ subject }) => ({ subject: `${subject}-${made++}` })),
    caught: 'names the same person by the same subject the next time',
  },
  {
    fault: 'writes the ticket to the log',
    plugin: broken((method, { log }) => ({
      next(reply, attempt) {
        log.info({ url: reply.url.href }, 'came back')
        return (method.next as NonNullable<AuthMethod['next']>)(reply, attempt)
      },
    })),
    caught: 'no secret is in the log or in an error',
  },
  {
    fault: 'keeps tickets for all instances in one place',
    plugin: broken((method) => ({
      async next(reply, attempt) {
        const number = reply.url.searchParams.get('ticket') ?? ''
        const known = shared.get(number)
        shared.set(number, 'seen')
        if (known !== undefined)
          return { done: { issuer: 'https://office.example', subject: 'ada', facts: [], amr: [], at: new Date(0) } }
        return (method.next as NonNullable<AuthMethod['next']>)(reply, attempt)
      },
    })),
    caught: 'a reply is worth one sign-in',
  },
  {
    fault: 'does not look at the nonce',
    plugin: careless(({ iss }) => (iss === 'https://office.example' ? iss : undefined)),
    caught: 'refuses the nonce of another attempt',
  },
  {
    fault: 'does not look at the issuer',
    plugin: careless(() => 'https://office.example'),
    caught: 'refuses an issuer that is not the upstream',
  },
  {
    fault: 'trusts an address that nobody proved',
    plugin: withDone(({ facts }) => ({ facts: facts.map((fact) => ({ ...fact, trust: 'verified' })) })),
    caught: 'never calls an unproven e-mail address verified',
  },
  {
    fault: 'lets the error of a broken answer out',
    plugin: careless(({ iss }) => iss),
    caught: 'refuses, or throws ERR_UPSTREAM, when the upstream answers HTML',
  },
  {
    fault: 'takes a look at the page for a click',
    plugin: broken((_, { store }) => ({
      async visit() {
        await store.put('visited', true, 60)
        return { title: 'Signed in', text: [] }
      },
    })),
    caught: 'looking at a visited page changes nothing',
  },
  {
    fault: 'sends people to an upstream over http',
    plugin: broken(() => ({ begin: async () => ({ to: new URL('http://office.example/tickets') }) })),
    caught: 'shows steps that can be walked',
  },
]

describe('planted faults', () => {
  for (const { fault, plugin, caught } of planted) {
    test(`a sign-in that ${fault} fails "${caught}"`, async () => {
      assert.ok((await failing(plugin)).includes(caught))
    })
  }
})

async function failing(plugin: AuthPlugin): Promise<readonly string[]> {
  const failed: string[] = []
  for (const { name, run } of authCases(suiteFor(plugin))) {
    await run().catch((error: unknown) => {
      assert.ok(error instanceof Error)
      failed.push(name)
    })
  }
  return failed
}

test('a sign-in that asks an upstream must say how that upstream lies', async () => {
  const { hostile: _, ...silent } = suiteFor(good)
  const found = authCases(silent).find(({ name }) => name === 'refuses the nonce of another attempt')
  await assert.rejects(async () => found?.run(), /hostile\.wrongNonce/)
})
