/** The adapter: `/login` and `/token` give a person's token to a Neuroglancer, `/gcs_token` a credential for a bucket. @module */
import {
  type AuthzAdapter,
  type AuthzContext,
  covers,
  Fault,
  type Finding,
  isFault,
  type Json,
  type Principal,
  type RouteAsk,
  type RouteReply,
  type Snapshot,
} from '@labgate/contract'
import { type JudgedPlace, openingsOf } from './boundary.ts'
import { type Broker, createBroker } from './broker.ts'
import type { NgauthConfig } from './config.ts'
import { allows, isOrigin, originsOf } from './origins.ts'
import { popupPage } from './pages.ts'
import { createUserTokens, type UserTokens } from './user-token.ts'

type Context = AuthzContext<NgauthConfig>

interface Parts {
  readonly context: Context
  readonly origins: readonly (string | RegExp)[]
  readonly tokens: UserTokens
  readonly broker: Broker
}

/** Makes the adapter. Opens nothing. @throws Fault ERR_CONFIG */
export function ngauthAdapter(context: Context): AuthzAdapter {
  const { config } = context
  const parts = {
    context,
    origins: originsOf(config),
    tokens: createUserTokens(context),
    broker: createBroker(context, config),
  }
  return {
    handlers: {
      home: async (ask) => home(context, ask),
      health: async () => ({ status: 200, json: { status: 'ok' } }),
      login: async (ask) => login(parts, ask),
      finish: (ask) => finish(parts, ask),
      token: (ask) => token(parts, ask),
      gcsToken: (ask) => gcsToken(parts, ask),
    },
    project,
    renderError: ({ status, shown, message, code }, { requestId }) =>
      said(status, `${shown ? message : code} (${requestId})`),
    async *probe() {
      yield await probe(parts)
    },
  }
}

/** What somebody may open in Neuroglancer; which buckets that is stands in the datasets. */
function project(_principal: Principal, { grants }: Snapshot): Json {
  const open = grants.filter((one) => covers(one, 'view'))
  return { view: open.map(({ dataset, version }) => (version === undefined ? dataset : `${dataset}@${version}`)) }
}

function home({ text, random, url }: Context, { principal, locale }: RouteAsk): RouteReply {
  const origin = url('/').origin
  const known = principal && text('homeKnown', { name: principal.account.displayName }, locale)
  return popupPage({
    title: text('title', {}, locale),
    text: [text('home', { origin }, locale), ...(known === undefined ? [] : [known])],
    nonce: random.token(),
  })
}

/** Judges the origin before anybody is asked to sign in. */
function login(parts: Parts, ask: RouteAsk): RouteReply {
  const wrong = strangerPage(parts, ask)
  if (wrong !== undefined) return wrong
  const to = parts.context.url('/login/finish')
  to.searchParams.set('origin', ask.url.searchParams.get('origin') ?? '')
  return { status: 303, headers: { Location: to.href } }
}

async function finish(parts: Parts, ask: RouteAsk): Promise<RouteReply> {
  const { context, tokens } = parts
  const { principal, locale } = ask
  const wrong = strangerPage(parts, ask)
  if (wrong !== undefined) return wrong
  if (principal === undefined) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  const origin = ask.url.searchParams.get('origin') ?? ''
  const value = await tokens.give({ account: principal.account.id, origin })
  await context.noteIssue({ account: principal.account.id, ask, detail: { what: 'user-token', origin, by: 'popup' } })
  return popupPage({
    title: context.text('done', {}, locale),
    text: [context.text('doneText', {}, locale)],
    nonce: context.random.token(),
    message: { data: { token: value }, origin },
  })
}

function strangerPage({ context, origins }: Parts, { url, locale }: RouteAsk): RouteReply | undefined {
  const origin = url.searchParams.get('origin') ?? undefined
  const { text, random } = context
  const page = { title: text('badOrigin', {}, locale), nonce: random.token() }
  if (!isOrigin(origin)) return { ...popupPage({ ...page, text: [text('noOrigin', {}, locale)] }), status: 400 }
  if (allows(origins, origin)) return undefined
  // The word by which Neuroglancer knows that it is not known; it is no secret.
  return popupPage({
    ...page,
    text: [text('badOriginText', { origin }, locale)],
    message: { data: 'badorigin', origin },
  })
}

async function token({ context, origins, tokens }: Parts, ask: RouteAsk): Promise<RouteReply> {
  const { origin } = ask.headers
  if (!isOrigin(origin)) return said(400, 'Invalid origin')
  if (!allows(origins, origin))
    // Readable there, so that its user is told which origin to have listed, instead of a network error. It tells nothing else.
    return said(403, 'Origin not allowed', {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Credentials': 'true',
    })
  const { principal } = ask
  // Terms of this service are accepted in the popup, which a 401 leads to.
  if (principal === undefined || (await owesTerms(context, principal.account.id))) return said(401, 'Not logged in')
  const account = principal.account.id
  const value = await tokens.give({ account, origin })
  await context.noteIssue({ account, ask, detail: { what: 'user-token', origin, by: 'cookie' } })
  return said(200, value)
}

/** Terms that are for this service and no dataset. */
async function owesTerms({ access }: Context, account: string): Promise<boolean> {
  return (await access.missingTerms({ account })).length > 0
}

const bucketName = /^[a-z0-9](?:[a-z0-9._-]{1,220}[a-z0-9])$/

async function gcsToken(parts: Parts, ask: RouteAsk): Promise<RouteReply> {
  const { context, tokens, broker } = parts
  const asked = readAsk(ask.body)
  if (asked === undefined) return said(400, 'Invalid request')
  const { bucket } = asked
  const holder = await tokens.read(asked.token)
  // A page keeps what it was given: a token that was carried elsewhere is none.
  if (holder === undefined || holder.origin !== ask.headers.origin || !allows(parts.origins, holder.origin))
    return said(401, 'Invalid authentication token')
  const { account } = holder
  if (!(await context.accounts.mayAct(account)) || (await owesTerms(context, account)))
    return said(401, 'Invalid authentication token')
  const places = bucketName.test(bucket) ? await judge(context, { account, bucket }) : []
  const openings = openingsOf(places)
  if (openings.length === 0) throw refusalOf(places, bucket)
  let credential: string
  try {
    credential = await broker.credentialFor(bucket, openings)
  } catch (fault) {
    // Not 502 or 503: Neuroglancer would ask 32 times.
    const { message, code, detail } = isFault(fault) ? fault : new Fault('ERR_INTERNAL', 'an error that nobody foresaw')
    context.log.error(
      { bucket, requestId: ask.requestId, code, detail, ...(isFault(fault) ? {} : { err: fault }) },
      message,
    )
    return said(500, `Failed to obtain bounded oauth2 token (${ask.requestId})`)
  }
  const prefixes = openings
    .map(({ under }) => under)
    .join(' ')
    .slice(0, 200)
  await context.noteIssue({
    account,
    ask,
    detail: { what: 'bucket-credential', bucket, prefixes, origin: holder.origin },
  })
  return { status: 200, json: { token: credential } }
}

interface Judged extends JudgedPlace {
  readonly dataset: string
  readonly version: string | undefined
  /** Terms that alone stand in the way. */
  readonly terms: string | undefined
}

async function judge({ access }: Context, ask: { account: string; bucket: string }): Promise<Judged[]> {
  const places = await access.placesIn(`gs://${ask.bucket}`)
  return Promise.all(
    places.map(async ({ dataset, version, prefix }) => {
      const { allowed, missing } = await access.decide({ account: ask.account, dataset, version, verb: 'view' })
      return { dataset, version, prefix, allowed, terms: missing?.step === 'terms' ? missing.title : undefined }
    }),
  )
}

/** The same for a bucket that is unknown and one that is closed; terms are told to whom they alone keep out. */
function refusalOf(places: readonly Judged[], bucket: string): Fault {
  const place = places.find((one) => one.terms !== undefined) ?? places[0]
  const { dataset, version, terms } = place ?? {}
  const message = terms === undefined ? 'Access denied' : `Access denied: accept “${terms}” first`
  return new Fault('ERR_FORBIDDEN', message, {
    detail: { bucket: bucket.slice(0, 222), dataset, version, verb: 'view' },
  })
}

/** The body as JSON, whatever its type: Neuroglancer says it is plain text, so that browsers ask no leave first. */
function readAsk(body: Uint8Array): { token: string; bucket: string } | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    const { token: given, bucket } = (json ?? {}) as Readonly<Record<string, unknown>>
    return typeof given === 'string' && typeof bucket === 'string' ? { token: given, bucket } : undefined
  } catch {
    // Whatever is no JSON is the caller's mistake, and they are told.
    return undefined
  }
}

function said(status: number, text: string, headers: Readonly<Record<string, string>> = {}): RouteReply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, body: text }
}

async function probe({ context, broker }: Parts): Promise<Finding> {
  try {
    await broker.check()
    return { ok: true, what: `${context.id}: Google gives credentials` }
  } catch (fault) {
    if (!isFault(fault)) throw fault
    return { ok: false, what: fault.message, mend: 'check `credentials`, and `egress.allow` for the metadata server' }
  }
}
