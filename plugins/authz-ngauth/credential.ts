/**
 * A credential for what of a bucket a person may see: who asks is known by their token, each place is judged at each request. What
 * was given a moment ago is given again where all is as it was.
 * @module
 */
import { type AuthzContext, type Decision, Fault, isFault, type RouteAsk, type RouteReply } from '@labgate/contract'
import { jsonType, said } from './answers.ts'
import { type JudgedPlace, type Opening, openingsOf } from './boundary.ts'
import type { Broker } from './broker.ts'
import type { NgauthConfig } from './config.ts'
import type { GoogleToken } from './exchange.ts'
import { allows } from './origins.ts'
import { maySee } from './policy.ts'
import type { Recent } from './recent.ts'
import { noteWanted, owesTerms, termsOf } from './terms.ts'
import type { UserToken, UserTokens } from './user-token.ts'

type Context = AuthzContext<NgauthConfig>

/** What a credential is made of. */
export interface CredentialParts {
  readonly context: Context
  readonly origins: readonly (string | RegExp)[]
  readonly tokens: UserTokens
  readonly broker: Broker
  readonly recent: {
    /** By user token, bucket and network address. */
    readonly credentials: Recent<GivenCredential>
  }
}

/** A credential as somebody was given it. */
export interface GivenCredential {
  readonly credential: GoogleToken
  readonly prefixes: string
  /** At which the places were judged: others after every change. */
  readonly revisions: string
  /** As it was found last. */
  judgement: Judgement
}

/** The places in a bucket, and what was decided of each; all the same objects as long as nothing is written. */
interface Judgement {
  readonly places: readonly PlaceIn[]
  readonly decisions: readonly Decision[]
}

type PlaceIn = Awaited<ReturnType<AuthzContext['access']['placesIn']>>[number]

const bucketName = /^[a-z0-9](?:[a-z0-9._-]{1,220}[a-z0-9])$/

/** Answers with a credential. @throws Fault ERR_FORBIDDEN */
export async function gcsToken(parts: CredentialParts, ask: RouteAsk): Promise<RouteReply> {
  const { context, recent } = parts
  const asked = readAsk(ask.body)
  if (asked === undefined) return said(400, 'Invalid request')
  const { bucket } = asked
  const holder = await holderOf(parts, asked.token, ask)
  if (holder === undefined) return said(401, 'Invalid authentication token')
  const { account, origin } = holder
  const judgement = bucketName.test(bucket) ? await judge(context, { account, bucket }) : nowhere
  const key = `${asked.token} ${bucket} ${ask.address}`
  const again = givenAgain(parts, key, judgement)
  if (again !== undefined) return credentialAnswer(again)
  const found = await credentialOf(parts, ask, { account, bucket, judged: judgedOf(judgement) })
  if ('reply' in found) return found.reply
  const { credential, prefixes } = found
  const given = { credential, prefixes, judgement, revisions: revisionsOf(judgement) }
  const before = recent.credentials.find(key, (one) => isSameCredential(one, given))
  // The same credential once more is no other one.
  if (before !== undefined) before.judgement = judgement
  else {
    await context.noteIssue({ account, ask, detail: { what: 'bucket-credential', bucket, prefixes, origin } })
    recent.credentials.keep(key, given)
  }
  return credentialAnswer(credential)
}

function credentialAnswer({ value }: GoogleToken): RouteReply {
  return { status: 200, headers: jsonType, json: { token: value } }
}

/** What was given a moment ago, when each place is judged as it was then and nobody else is to be asked. */
function givenAgain(
  { context, broker, recent }: CredentialParts,
  key: string,
  now: Judgement,
): GoogleToken | undefined {
  if (context.config.bucketPolicy !== 'ignore') return undefined
  const given = recent.credentials.find(key, ({ judgement: { places, decisions } }) => {
    return places === now.places && decisions.every((one, index) => one === now.decisions[index])
  })
  return given !== undefined && broker.isGood(given.credential) ? given.credential : undefined
}

function revisionsOf({ decisions }: Judgement): string {
  return decisions.map(({ revision }) => revision).join(' ')
}

function isSameCredential(one: GivenCredential, other: GivenCredential): boolean {
  const isSame = one.credential.value === other.credential.value
  return isSame && one.prefixes === other.prefixes && one.revisions === other.revisions
}

interface Wanted {
  readonly account: string
  readonly bucket: string
  readonly judged: readonly Judged[]
}

/** The credential for what of a bucket somebody may see, and for which prefixes it is. @throws Fault ERR_FORBIDDEN */
async function credentialOf(
  parts: CredentialParts,
  ask: RouteAsk,
  { account, bucket, judged }: Wanted,
): Promise<{ credential: GoogleToken; prefixes: string } | { reply: RouteReply }> {
  const { context, broker } = parts
  const open = openingsOf(judged)
  if (open.length === 0) throw await refusalOf(context, judged, { account, bucket })
  const openings = await guarded(parts, ask, {
    ...{ bucket, failed: 'Failed to query bucket permissions' },
    work: () => alsoByPolicy(parts, { account, bucket, open }),
  })
  if ('reply' in openings) return openings
  if (openings.value.length === 0)
    throw new Fault('ERR_FORBIDDEN', context.text('denied', {}, ask.locale), {
      detail: { bucket, dataset: judged[0]?.dataset, verb: 'view', why: 'bucket-policy' },
    })
  const credential = await guarded(parts, ask, {
    ...{ bucket, failed: 'Failed to obtain bounded oauth2 token' },
    work: () => broker.credentialFor(bucket, openings.value),
  })
  if ('reply' in credential) return credential
  const prefixes = openings.value.map(({ under }) => under).join(' ')
  return { credential: credential.value, prefixes: prefixes.slice(0, 200) }
}

/** Whom a token speaks for here and now. A page keeps what it was given: a token that was carried elsewhere is none. */
async function holderOf(
  { context, tokens, origins }: CredentialParts,
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
  { context }: CredentialParts,
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
  { context, broker }: CredentialParts,
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
}

const nowhere: Judgement = { places: [], decisions: [] }

async function judge({ access }: Context, ask: { account: string; bucket: string }): Promise<Judgement> {
  const { account } = ask
  const places = await access.placesIn(`gs://${ask.bucket}`)
  const decisions: Promise<Decision>[] = []
  for (const { dataset, version } of places) decisions.push(access.decide({ account, dataset, version, verb: 'view' }))
  return { places, decisions: await Promise.all(decisions) }
}

function judgedOf({ places, decisions }: Judgement): Judged[] {
  return places.map(({ dataset, version, prefix }, index) => {
    const { allowed = false, missing } = decisions[index] ?? {}
    return { dataset, version, prefix, allowed, needsTerms: missing?.step === 'terms' }
  })
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

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The body as JSON, whatever its type: Neuroglancer says it is plain text, so that browsers ask no leave first. */
function readAsk(body: Uint8Array): { token: string; bucket: string } | undefined {
  try {
    const json: unknown = JSON.parse(utf8.decode(body))
    const { token: given, bucket } = (json ?? {}) as Readonly<Record<string, unknown>>
    return typeof given === 'string' && typeof bucket === 'string' ? { token: given, bucket } : undefined
  } catch {
    // Whatever is no JSON is the caller's mistake, and they are told.
    return undefined
  }
}
