/** The adapter: a person's token for a Neuroglancer by cookie, a credential for a bucket by that token. @module */
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
import { type JudgedPlace, type Opening, openingsOf } from './boundary.ts'
import { type Broker, createBroker } from './broker.ts'
import type { NgauthConfig } from './config.ts'
import { allows, isOrigin, originsOf } from './origins.ts'
import { maySee } from './policy.ts'
import { pagePaths, popupHandlers } from './popup.ts'
import { createRecent, type Recent } from './recent.ts'
import { noteWanted, termsOf, wantsTerms } from './terms.ts'
import { createUserTokens, type UserToken, type UserTokens } from './user-token.ts'

type Context = AuthzContext<NgauthConfig>

interface Parts {
  readonly context: Context
  readonly origins: readonly (string | RegExp)[]
  readonly tokens: UserTokens
  readonly broker: Broker
  readonly recent: {
    /** By session and origin. */
    readonly tokens: Recent<GivenToken>
    /** By user token and bucket. */
    readonly credentials: Recent<GivenCredential>
  }
}

interface GivenToken {
  readonly value: string
  readonly keyId: string
  /** What was known of the person: the same one as long as nothing has changed. */
  readonly snapshot: Snapshot
}

interface GivenCredential {
  readonly value: string
  readonly prefixes: string
  /** At which the places were judged: others after every change. */
  readonly revisions: string
}

/** Makes the adapter. Opens nothing. @throws Fault ERR_CONFIG */
export function ngauthAdapter(context: Context): AuthzAdapter {
  const { config } = context
  const parts = {
    context,
    origins: originsOf(config),
    tokens: createUserTokens(context),
    broker: createBroker(context, config),
    recent: {
      tokens: createRecent<GivenToken>(context.clock),
      credentials: createRecent<GivenCredential>(context.clock),
    },
  }
  return {
    handlers: {
      ...popupHandlers(parts),
      health: async () => ({ status: 200, json: { status: 'ok' } }),
      token: (ask) => token(parts, ask),
      gcsToken: (ask) => gcsToken(parts, ask),
    },
    project,
    renderError: (fault, ask) => errorAnswer(context, fault, ask),
    async *probe() {
      yield await probe(parts)
    },
  }
}

/** A page for people, text for Neuroglancer. */
function errorAnswer({ text }: Context, fault: Fault, { url, locale, requestId }: RouteAsk): RouteReply {
  const { status, shown, message, code } = fault
  const words = `${shown ? message : code} (${requestId})`
  if (!pagePaths.has(url.pathname)) return said(status, words)
  return { status, page: { title: text('problem', {}, locale), text: [words], tone: 'warning' } }
}

/** What somebody may open in Neuroglancer; which buckets that is stands in the datasets. */
function project(_principal: Principal, { grants }: Snapshot): Json {
  const open = grants.filter((one) => covers(one, 'view'))
  return { view: open.map(({ dataset, version }) => (version === undefined ? dataset : `${dataset}@${version}`)) }
}

async function token(parts: Parts, ask: RouteAsk): Promise<RouteReply> {
  const { context, origins } = parts
  const { origin } = ask.headers
  if (!isOrigin(origin)) return said(400, 'Invalid origin')
  if (!allows(origins, origin))
    // Readable there, so that its user is told which origin to have listed, instead of a network error. It tells nothing else.
    return said(403, 'Origin not allowed', {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Credentials': 'true',
    })
  const { principal } = ask
  if (principal === undefined) return said(401, 'Not logged in')
  const account = principal.account.id
  const snapshot = await context.access.snapshot(account)
  // Terms are accepted in the popup, which a 401 leads to.
  if ((await owesTerms(context, account)) || (await wantsTerms(context, snapshot))) return said(401, 'Not logged in')
  return said(200, await tokenFor(parts, ask, { principal, origin, snapshot }))
}

/** The one that this session was given here within the last minute, unless anything has changed since; else a new one. */
async function tokenFor(
  { context, tokens, recent }: Parts,
  ask: RouteAsk,
  { principal, origin, snapshot }: { principal: Principal; origin: string; snapshot: Snapshot },
): Promise<string> {
  const { session } = principal
  const account = principal.account.id
  // From another network address it is another line: a cookie that was carried off shows.
  const key = `${session} ${origin} ${ask.address}`
  const keyId = tokens.keyId()
  const given = recent.tokens.find(key, (one) => one.keyId === keyId && one.snapshot === snapshot)
  if (given !== undefined) return given.value
  const value = await tokens.give({ account, origin }, 'data')
  await context.noteIssue({ account, ask, detail: { what: 'user-token', origin, by: 'cookie' } })
  if (session !== undefined) recent.tokens.keep(key, { value, keyId, snapshot })
  return value
}

/** Terms that are for this service and no dataset. */
async function owesTerms({ access }: Context, account: string): Promise<boolean> {
  return (await access.missingTerms({ account })).length > 0
}

const bucketName = /^[a-z0-9](?:[a-z0-9._-]{1,220}[a-z0-9])$/

async function gcsToken(parts: Parts, ask: RouteAsk): Promise<RouteReply> {
  const { context, broker, recent } = parts
  const asked = readAsk(ask.body)
  if (asked === undefined) return said(400, 'Invalid request')
  const { bucket } = asked
  const holder = await holderOf(parts, asked.token, ask)
  if (holder === undefined) return said(401, 'Invalid authentication token')
  const { account, origin } = holder
  const places = bucketName.test(bucket) ? await judge(context, { account, bucket }) : []
  const open = openingsOf(places)
  if (open.length === 0) throw await refusalOf(context, places, { account, bucket })
  const openings = await guarded(parts, ask, {
    ...{ bucket, failed: 'Failed to query bucket permissions' },
    work: () => alsoByPolicy(parts, { account, bucket, open }),
  })
  if ('reply' in openings) return openings.reply
  if (openings.value.length === 0)
    throw new Fault('ERR_FORBIDDEN', context.text('denied', {}, ask.locale), {
      detail: { bucket, dataset: places[0]?.dataset, verb: 'view', why: 'bucket-policy' },
    })
  const credential = await guarded(parts, ask, {
    ...{ bucket, failed: 'Failed to obtain bounded oauth2 token' },
    work: () => broker.credentialFor(bucket, openings.value),
  })
  if ('reply' in credential) return credential.reply
  const prefixes = openings.value
    .map(({ under }) => under)
    .join(' ')
    .slice(0, 200)
  const given = { value: credential.value, prefixes, revisions: places.map(({ revision }) => revision).join(' ') }
  const key = `${asked.token} ${bucket} ${ask.address}`
  // The same credential once more is no other one.
  if (recent.credentials.find(key, (one) => isSameCredential(one, given)) === undefined) {
    await context.noteIssue({ account, ask, detail: { what: 'bucket-credential', bucket, prefixes, origin } })
    recent.credentials.keep(key, given)
  }
  return { status: 200, headers: jsonType, json: { token: credential.value } }
}

function isSameCredential(one: GivenCredential, other: GivenCredential): boolean {
  return one.value === other.value && one.prefixes === other.prefixes && one.revisions === other.revisions
}

/** Whom a token speaks for here and now. A page keeps what it was given: a token that was carried elsewhere is none. */
async function holderOf(
  { context, tokens, origins }: Parts,
  value: string,
  ask: RouteAsk,
): Promise<UserToken | undefined> {
  const holder = await tokens.read(value, 'data')
  if (holder === undefined || !allows(origins, holder.origin)) return undefined
  if (holder.origin !== (ask.headers.origin ?? holder.origin)) return undefined
  const { account } = holder
  return (await context.accounts.mayAct(account)) && !(await owesTerms(context, account)) ? holder : undefined
}

/** What Google is asked for. Its failures are 500, not 502 or 503: Neuroglancer would ask 32 times. */
async function guarded<T>(
  { context }: Parts,
  { requestId }: RouteAsk,
  { bucket, failed, work }: { bucket: string; failed: string; work: () => Promise<T> },
): Promise<{ readonly value: T } | { readonly reply: RouteReply }> {
  try {
    return { value: await work() }
  } catch (fault) {
    const { message, code, detail } = isFault(fault) ? fault : new Fault('ERR_INTERNAL', 'an error that nobody foresaw')
    context.log.error({ bucket, requestId, code, detail, ...(isFault(fault) ? {} : { err: fault }) }, message)
    return { reply: said(500, `${failed} (${requestId})`) }
  }
}

/** Those openings that the bucket's own policy has for the person too, where the config wants that. */
async function alsoByPolicy(
  { context, broker }: Parts,
  { account, bucket, open }: { account: string; bucket: string; open: readonly Opening[] },
): Promise<readonly Opening[]> {
  if (context.config.bucketPolicy === 'ignore') return open
  const [policy, { account: person, facts }] = await Promise.all([
    broker.policyOf(bucket),
    context.access.snapshot(account),
  ])
  const proven = facts.filter(({ claim, trust }) => claim === 'email' && trust === 'verified').map(({ value }) => value)
  const emails = [...proven, ...(person.emailVerified ? [person.email] : [])].filter((one) => typeof one === 'string')
  const now = context.clock.now()
  return open.filter(({ under }) => maySee(policy, { emails, bucket, under, now }))
}

interface Judged extends JudgedPlace {
  readonly dataset: string
  readonly version: string | undefined
  /** Terms alone stand in the way. */
  readonly needsTerms: boolean
  readonly revision: number
}

async function judge({ access }: Context, ask: { account: string; bucket: string }): Promise<Judged[]> {
  const places = await access.placesIn(`gs://${ask.bucket}`)
  return Promise.all(
    places.map(async ({ dataset, version, prefix }) => {
      const decided = await access.decide({ account: ask.account, dataset, version, verb: 'view' })
      const { allowed, missing, revision } = decided
      return { dataset, version, prefix, allowed, needsTerms: missing?.step === 'terms', revision }
    }),
  )
}

/** The same for a bucket that is unknown and one that is closed; terms are told to whom they alone keep out. */
async function refusalOf(
  context: Context,
  places: readonly Judged[],
  { account, bucket }: { account: string; bucket: string },
): Promise<Fault> {
  const kept = places.find(({ needsTerms }) => needsTerms)
  const { dataset, version } = kept ?? places[0] ?? {}
  const terms = kept === undefined ? [] : await termsOf(context, account, kept)
  const detail = { bucket: bucket.slice(0, 222), dataset, version, verb: 'view' }
  if (terms.length === 0) return new Fault('ERR_FORBIDDEN', context.text('denied'), { detail })
  await noteWanted(
    context,
    account,
    terms.map((one) => one.terms),
  )
  const values = {
    terms: terms.map(({ title }) => `“${title}”`).join(', '),
    links: terms.map((one) => context.termsUrl(one.terms, '/').href).join(' '),
  }
  return new Fault('ERR_FORBIDDEN', context.text('deniedTerms', values), { detail })
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

/** Frozen, so that the core puts a head together once. */
const wordsType = Object.freeze({ 'Content-Type': 'text/plain; charset=utf-8' })
const jsonType = Object.freeze({ 'Content-Type': 'application/json; charset=utf-8' })

function said(status: number, text: string, headers?: Readonly<Record<string, string>>): RouteReply {
  return { status, headers: headers === undefined ? wordsType : { ...wordsType, ...headers }, body: text }
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
