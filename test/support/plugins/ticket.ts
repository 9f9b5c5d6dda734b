/**
 * A small good sign-in for tests of the testkit: its upstream, a ticket office in memory, gives a ticket for a nonce
 * and a challenge, and tells once who holds it.
 * @module
 */
import {
  type AuthContext,
  type AuthMethod,
  type ConfigOf,
  definePlugin,
  Fault,
  type Json,
  type SignInReply,
  type Step,
  secret,
} from '@labgate/contract'

const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['key'],
  properties: {
    office: { type: 'string', description: 'URL of the ticket office.', default: 'https://office.example' },
    key: secret({ description: 'Our key at the office.' }),
    claims: {
      type: 'object',
      additionalProperties: false,
      description: 'Names of claims.',
      default: {},
      properties: { email: { type: 'string', description: 'Where the address stands.', default: 'email' } },
    },
  },
} as const

/** What the office says of a ticket. */
export interface Holder {
  readonly iss: string
  readonly sub: string
  readonly nonce: string
  readonly email: string
  readonly email_verified: boolean
}

type Context = AuthContext<ConfigOf<typeof configSchema>>

/** The good plugin. */
export const ticket = definePlugin({
  kind: 'auth',
  name: 'ticket',
  contract: 1,
  config: configSchema,
  text: {
    en: { go: 'Sign in at {office}', no: 'The office does not know this ticket.' },
    de: { go: 'Weiter zu {office}' },
  },
  create,
})

function create(context: Context): AuthMethod {
  const { config, text, clock } = context
  return {
    issuers: [config.office],
    card: ({ locale }) => ({ label: text('go', { office: config.office }, locale) }),
    async begin(_, attempt) {
      const to = new URL('/tickets', config.office)
      to.search = String(new URLSearchParams({ nonce: attempt.nonce, state: attempt.state }))
      return { to }
    },
    async next(reply, attempt): Promise<Step> {
      const holder = await redeem(context, reply)
      const isOurs = holder?.nonce === attempt.nonce && holder.iss === config.office
      if (holder === undefined || !isOurs) return { no: { reason: 'denied', message: text('no', {}, reply.locale) } }
      const trust = holder.email_verified === true ? 'verified' : 'self'
      const facts = [{ claim: 'email', value: holder.email, trust } as const]
      return { done: { issuer: holder.iss, subject: holder.sub, facts, amr: [], at: clock.now() } }
    },
    visit: async ({ attempt }) => ({ title: attempt === undefined ? 'Over' : 'Go on', text: [] }),
  }
}

async function redeem({ config, fetch, log, id }: Context, reply: SignInReply): Promise<Holder | undefined> {
  const url = new URL('/redeem', config.office)
  const body = new URLSearchParams({ ticket: reply.url.searchParams.get('ticket') ?? '' })
  const headers = { authorization: `Key ${config.key.reveal()}` }
  const answer = await fetch(url, { method: 'POST', body, headers }).then(read, upstreamFault)
  log.info({ instance: id, status: answer.status }, 'asked the ticket office')
  return answer.status === 404 ? undefined : holderIn(answer.json)
}

async function read(response: Response): Promise<{ status: number; json: Json }> {
  if (response.status >= 500) throw new Fault('ERR_UPSTREAM', `the ticket office answered ${response.status}`)
  const json = (await response.json().catch(upstreamFault)) as Json
  return { status: response.status, json }
}

function upstreamFault(cause: unknown): never {
  throw new Fault('ERR_UPSTREAM', 'the ticket office gave no usable answer', { cause })
}

function holderIn(json: Json): Holder {
  if (typeof json === 'object' && json !== null && 'sub' in json) return json as unknown as Holder
  throw new Fault('ERR_UPSTREAM', 'the ticket office did not say who holds the ticket')
}

/** The office: `fetch` redeems, `sell` gives a ticket for the address that `begin` returned. */
export function ticketOffice() {
  const tickets = new Map<string, Holder>()
  const lies: { holder: Partial<Holder> } = { holder: {} }
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const number = new URLSearchParams(String(init?.body)).get('ticket') ?? ''
    const holder = tickets.get(number)
    tickets.delete(number)
    if (holder === undefined) return Response.json({ error: 'unknown' }, { status: 404 })
    return Response.json({ ...holder, ...lies.holder })
  }
  const sell = (to: URL): string => {
    const number = `ticket-number-${crypto.randomUUID()}`
    const nonce = to.searchParams.get('nonce') ?? ''
    const person = { sub: 'ada', email: 'ada@example.org', email_verified: true }
    tickets.set(number, { iss: to.origin, nonce, ...person })
    return number
  }
  return { fetch, sell, lies }
}
