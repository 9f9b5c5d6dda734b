/** The adapter: a person's token for a Neuroglancer by cookie, a credential for a bucket by that token. @module */
import {
  type AuthzAdapter,
  type AuthzContext,
  covers,
  type Fault,
  type Finding,
  isFault,
  type Json,
  type Principal,
  type RouteAsk,
  type RouteReply,
  type Snapshot,
} from '@labgate/contract'
import { said } from './answers.ts'
import { createBroker } from './broker.ts'
import type { NgauthConfig } from './config.ts'
import { type CredentialParts, type GivenCredential, gcsToken } from './credential.ts'
import { allows, isOrigin, originsOf } from './origins.ts'
import { pagePaths, popupHandlers } from './popup.ts'
import { createRecent, type Recent } from './recent.ts'
import { owesTerms, wantsTerms } from './terms.ts'
import { createUserTokens } from './user-token.ts'

type Context = AuthzContext<NgauthConfig>

interface Parts extends CredentialParts {
  readonly recent: CredentialParts['recent'] & {
    /** By session, origin and network address. */
    readonly tokens: Recent<GivenToken>
  }
}

interface GivenToken {
  readonly value: string
  readonly keyId: string
  /** What was known of the person: the same one as long as nothing has changed. */
  readonly snapshot: Snapshot
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

async function probe({ context, broker }: Parts): Promise<Finding> {
  try {
    await broker.check()
    return { ok: true, what: `${context.id}: Google gives credentials` }
  } catch (fault) {
    if (!isFault(fault)) throw fault
    return { ok: false, what: fault.message, mend: 'check `credentials`, and `egress.allow` for the metadata server' }
  }
}
