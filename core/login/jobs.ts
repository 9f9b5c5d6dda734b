/**
 * Tokens for programs without a browser: credentials that a person fetched upstream for a job, traded for a short API
 * token of theirs. Answers are those of an OAuth token endpoint (RFC 6749 §5.1, §5.2); the request is JSON only, because
 * a page of another site can post a form unasked, but no JSON. Whatever the reason of a no, the program hears the same.
 * @module
 */
import { type Assertion, type AuthMethod, type Clock, Fault, isFault, type RedeemAsk } from '@labgate/contract'
import type { People } from '../accounts/people.ts'
import type { ApiTokens } from '../accounts/tokens.ts'
import type { Ctx } from '../http/context.ts'
import type { Limits } from '../http/rate.ts'
import type { Route } from '../http/routes.ts'
import type { AuthInstance } from '../registry/instance.ts'
import { checkAssertion } from './attempt.ts'
import type { Desk } from './desk.ts'

/** What the door for jobs stands on. */
export interface JobNeeds {
  readonly desk: Pick<Desk, 'audit' | 'log' | 'accounts'>
  readonly clock: Clock
  readonly people: Pick<People, 'recognise'>
  readonly tokens: Pick<ApiTokens, 'create'>
  readonly limits: Limits
  readonly instances: readonly AuthInstance[]
}

type Redeem = NonNullable<AuthMethod['redeem']>

/** From one network address: a whole cluster may sit behind it. */
const perAddress = { count: 60, seconds: 300 }
/** For one e-mail address, wherever the tries come from. */
const perEmail = { count: 10, seconds: 900 }
const bodyBytes = 8192
const most = { fields: 20, characters: 1000 }

/** One route for each instance whose `jobs` are enabled; there is none for the others. */
export function jobRoutes(needs: JobNeeds): Route[] {
  return needs.instances.flatMap((instance) => {
    const { redeem } = instance.method
    if (!instance.entry.jobs.enabled || redeem === undefined) return []
    const job = { instance, redeem: redeem.bind(instance.method) }
    const route: Route = {
      method: 'POST',
      path: `/sign-in/${instance.id}/token`,
      // No cookie is read here: whoever asks brings all that counts.
      csrf: 'off',
      rate: perAddress,
      body: { type: 'json', limit: bodyBytes },
      onError,
      handler: (ctx) => answer(ctx, needs, job),
    }
    return [route]
  })
}

interface Job {
  readonly instance: AuthInstance
  readonly redeem: Redeem
}

async function answer(ctx: Ctx, needs: JobNeeds, { instance, redeem }: Job): Promise<void> {
  const fields = fieldsIn(ctx.state.json)
  const email = fields.email?.trim().toLowerCase()
  if (email) await needs.limits.take('jobs by e-mail', `${instance.id} ${email}`, perEmail)
  const assertion = await redeemed(ctx, needs, { instance, ask: { fields, address: ctx.state.address }, redeem })
  const { id, realm, admission, groups, entry } = instance
  const found = await needs.people.recognise({ source: { instance: id, realm }, admission, groups, assertion })
  const detail = { instance: id, via: 'job' }
  if (found.kind === 'refused') {
    const { account, why } = found
    await needs.desk.audit(ctx, { type: 'sign-in.refused', account, detail: { ...detail, why } })
    throw no()
  }
  const { life, scopes } = entry.jobs
  const account = found.account.id
  const { address, requestId } = ctx.state
  const { value, token } = await needs.tokens
    .create(
      { kind: 'account', account, address, requestId },
      { account, name: `job: ${id}`, scopes, expiresAt: new Date(needs.clock.now().getTime() + life * 1000) },
    )
    .catch((error: unknown) => {
      throw isFault(error) && error.code === 'ERR_CONFLICT' ? tooMany(error) : error
    })
  await needs.desk.accounts.noteSignIn(account)
  await needs.desk.audit(ctx, { type: 'sign-in.done', account, detail })
  send(ctx, {
    access_token: value,
    token_type: 'Bearer',
    expires_in: life,
    // An empty list has no spelling (RFC 6749 §3.3).
    ...(token.scopes.length > 0 ? { scope: token.scopes.join(' ') } : {}),
  })
}

/** What the upstream says of the credentials. @throws Fault ERR_LOGIN_DENIED, ERR_RATE, or what the plugin throws */
async function redeemed(ctx: Ctx, needs: JobNeeds, job: Job & { ask: RedeemAsk }): Promise<Assertion> {
  const { instance, redeem, ask } = job
  const step = await redeem(ask).catch((error: unknown) => {
    // A fault for a person to read is a no; all else is trouble of the upstream, or a bug.
    if (isFault(error) && error.shown && error.status < 500)
      return { no: { reason: 'failed' as const, message: error.code, retryAfterSeconds: error.retryAfterSeconds } }
    const { requestId } = ctx.state
    needs.desk.log.error({ err: error, instance: instance.id, requestId }, 'a way to sign in failed for a job')
    throw new Fault('ERR_METHOD_DOWN', 'the way to sign in gives no answer', { cause: error })
  })
  if ('done' in step) {
    checkAssertion(instance, step.done)
    return step.done
  }
  const { reason, retryAfterSeconds } = step.no
  const detail = { instance: instance.id, via: 'job', why: reason }
  await needs.desk.audit(ctx, { type: 'sign-in.failed', detail })
  if (reason !== 'limited') throw no()
  throw new Fault('ERR_RATE', 'too many tries', { retryAfterSeconds: retryAfterSeconds ?? 60 })
}

/** The one answer to wrong credentials, to strangers, and to those who may not act. */
function no(): Fault {
  return new Fault('ERR_LOGIN_DENIED', 'the credentials open no account')
}

/** A person has no more living tokens than the house allows; some of them end soon. */
function tooMany(cause: unknown): Fault {
  return new Fault('ERR_RATE', 'too many living tokens', { retryAfterSeconds: 60, cause })
}

/** The fields of a request. @throws Fault ERR_INPUT unless they are a few short texts by name */
function fieldsIn(json: unknown): Readonly<Record<string, string>> {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  const entries: [string, unknown][] = isObject ? Object.entries(json) : []
  if (entries.length === 0 || entries.length > most.fields) throw wrongBody()
  const sound = entries.map(([name, value]): [string, string] => {
    if (!/^\w{1,64}$/.test(name) || typeof value !== 'string' || value.length > most.characters) throw wrongBody()
    return [name, value]
  })
  return Object.fromEntries(sound)
}

function wrongBody(): Fault {
  return new Fault('ERR_INPUT', 'the request must be a JSON object of texts')
}

/** Errors of RFC 6749 §5.2, and beside them the two that a client may wait out. */
function onError(fault: Fault, ctx: Ctx): void {
  const [error, description, status = fault.status] = errorOf(fault)
  ctx.status = status
  send(ctx, { error, error_description: description })
}

// Plain ASCII without quotes, as §5.2 wants it.
function errorOf({ code, status }: Fault): readonly [error: string, description: string, status?: number] {
  if (code === 'ERR_LOGIN_DENIED') return ['invalid_grant', 'The credentials open no account here.', 400]
  if (code === 'ERR_RATE') return ['temporarily_unavailable', 'Too many tries. Wait a little and try again.']
  if (code === 'ERR_METHOD_DOWN' || status === 502 || status === 503)
    return ['temporarily_unavailable', 'This way to sign in gives no answer now. Try again later.', 503]
  if (status < 500) return ['invalid_request', 'The request must be a small JSON object of texts.']
  return ['server_error', 'Something went wrong here.']
}

function send(ctx: Ctx, body: Readonly<Record<string, string | number>>): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.set('Pragma', 'no-cache')
  ctx.type = 'json'
  ctx.body = JSON.stringify(body)
}
