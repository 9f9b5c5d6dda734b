/**
 * One attempt from its button to the assertion: `begin`, `next`, `visit` of a plugin, and what its steps mean for the browser.
 * @module
 */
import { type Assertion, Fault, isFault, type Random, type Step } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { seeOther } from '../http/see-other.ts'
import { setCookie } from '../http/set-cookie.ts'
import { spanned } from '../observe/spans.ts'
import type { AuthInstance } from '../registry/instance.ts'
import { type AttemptRecord, bindingOf, isSameBrowser, type Outcome } from './attempts.ts'
import { bindingFor, purpose as csrfPurpose, type Desk, noted, noteKey, readBinding } from './desk.ts'

/** One call of a plugin: `begin`, or how the person came back. */
interface PluginStep {
  readonly at: 'begin' | 'callback' | 'form' | 'visit'
  work(): Promise<Step>
}

/** How an attempt begins. */
export interface Beginning {
  readonly instance: string
  readonly purpose: AttemptRecord['purpose']
  readonly base: string
  readonly account: string | undefined
  readonly session?: string | undefined
  readonly fresh: boolean
  readonly remember: boolean
  readonly clientName: string | undefined
  readonly loginHint: string | undefined
  readonly returnTo: string | undefined
  readonly input: URLSearchParams
  readonly arrived?: Arrived
}

/**
 * Takes up an outcome in the very request that brought it, because the browser is at the page that it belongs to. `false`: it is
 * to be taken up on its own page after all, as every outcome of an upstream's callback is.
 */
export type Arrived = (outcome: Outcome) => Promise<boolean>

/** How a step of a plugin goes on. */
interface Onward {
  /** The attempt was not kept so far. */
  readonly isNew?: boolean
  /** Lets the browser be known again. */
  readonly keepBrowser?: (() => void) | undefined
  readonly arrived?: Arrived | undefined
}

export interface AttemptPages {
  begin(ctx: Ctx, beginning: Beginning): Promise<void>
  /** The open form of an attempt, shown again after a reload. */
  showForm(ctx: Ctx, page: FormPage): Promise<void>
  postForm(ctx: Ctx, page: FormPage): Promise<void>
  /** The upstream sends the browser back. */
  callback(ctx: Ctx, found: { instance: string; state: string | undefined }): Promise<void>
  visit(ctx: Ctx, instance: string): Promise<void>
}

/** Where a form of a plugin is shown. */
export interface FormPage {
  readonly instance: string
  readonly state: string
  readonly base: string
  /** What the form's token is bound to. */
  readonly binding: string
  readonly arrived?: Arrived
}

export function createAttemptPages(desk: Desk, random: Random): AttemptPages {
  const { attempts, methods } = desk

  const instanceOf = (id: string): AuthInstance => {
    if (!methods.get(id) && !methods.isConfigured(id)) throw new Fault('ERR_NOT_FOUND', 'There is no such page.')
    return instanceNow(id)
  }
  /** Of an attempt that was begun: its instance may have been taken out of the config meanwhile. */
  const instanceNow = (id: string): AuthInstance => {
    const instance = methods.get(id)
    if (!instance)
      throw new Fault('ERR_METHOD_DOWN', 'This way to sign in is not available now. Please choose another.')
    return instance
  }
  const span = spanned()
  const forPlugin = (record: AttemptRecord, instance: AuthInstance) =>
    attempts.forPlugin(record, { issuer: desk.issuer, redirectUri: instance.redirectUri })

  const settle = async (ctx: Ctx, came: { record: AttemptRecord; step: Step }, onward: Onward): Promise<void> => {
    const { record, step } = came
    if ('no' in step) return refused(ctx, record, step.no.message)
    if ('done' in step) return done(ctx, { record, assertion: step.done }, onward)
    onward.keepBrowser?.()
    const { isNew = false } = onward
    const kept = step.keep === undefined ? record.kept : step.keep
    if ('to' in step) {
      await attempts.update({ ...record, kept, form: undefined }, { isNew })
      return goUpstream(ctx, step.to)
    }
    await attempts.update({ ...record, kept, form: step.form }, { isNew })
    seeOther(ctx, `${record.base}/m/${record.instance}/${record.state}`)
  }
  const done = async (
    ctx: Ctx,
    { record, assertion }: { record: AttemptRecord; assertion: Assertion },
    { arrived, keepBrowser }: Onward,
  ): Promise<void> => {
    checkAssertion(instanceOf(record.instance), assertion)
    const outcome = attempts.outcome(record, assertion)
    if (await arrived?.(outcome)) return
    keepBrowser?.()
    await attempts.leave(outcome)
    seeOther(ctx, `${record.base}/continue?o=${outcome.id}`)
  }
  const refused = async (ctx: Ctx, record: AttemptRecord, message: string): Promise<void> => {
    if (record.purpose === 'sandbox') {
      await attempts.leaveNote(sandboxNoteKey(record.session), message)
      return seeOther(ctx, record.base)
    }
    await desk.audit(ctx, { type: 'sign-in.failed', detail: { instance: record.instance, message } })
    // A linking ends on the account page, where notes wait by session.
    const session = record.purpose === 'link' ? await desk.cookie.of(ctx.req) : undefined
    await attempts.leaveNote(session ? noteKey(session) : record.base, message)
    seeOther(ctx, record.purpose === 'link' ? '/account' : noted(record.base))
  }
  /** Runs a plugin's step; what it throws is for the log, and the person may choose another way. */
  const stepOf = async (ctx: Ctx, record: AttemptRecord, { at, work }: PluginStep): Promise<Step> => {
    try {
      return await span({ name: `sign-in ${at}`, attributes: { 'labgate.instance': record.instance } }, work)
    } catch (error) {
      desk.log.error(
        { err: error, instance: record.instance, requestId: ctx.state.requestId },
        'a way to sign in failed',
      )
      const shown = isFault(error) && error.shown
      return {
        no: {
          reason: 'failed',
          message: shown
            ? error.message
            : desk.text(ctx, 'login.failed', {
                method: methods.label(record.instance, desk.locale(ctx)),
                reference: ctx.state.requestId,
              }),
        },
      }
    }
  }
  const watched = async (at: 'begin' | 'later', work: () => Promise<Step>): Promise<Step> => {
    try {
      return await work()
    } catch (error) {
      desk.troubled(error, at)
      throw error
    }
  }
  const mine = async (ctx: Ctx, state: string | undefined, instance: string): Promise<AttemptRecord> => {
    const record = await attempts.find(state)
    if (!record && !methods.isConfigured(instance)) throw new Fault('ERR_NOT_FOUND', 'There is no such page.')
    if (!record || record.instance !== instance) throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
    if (!isSameBrowser(record, readBinding(ctx, desk)))
      throw new Fault('ERR_LOGIN_OTHER_BROWSER', desk.text(ctx, 'login.otherBrowser'))
    return record
  }
  const reply = (ctx: Ctx, via: 'callback' | 'form' | 'visit') => ({
    via,
    method: ctx.method === 'POST' ? ('POST' as const) : ('GET' as const),
    url: new URL(ctx.url, desk.issuer),
    body: ctx.state.form ?? new URLSearchParams(),
    locale: desk.locale(ctx),
    address: ctx.state.address,
  })
  const next = async (
    ctx: Ctx,
    record: AttemptRecord,
    { via, arrived }: { via: 'callback' | 'form' | 'visit'; arrived?: Arrived | undefined },
  ) => {
    const step = await stepOf(ctx, record, {
      at: via,
      work: () =>
        watched('later', async () => {
          const instance = instanceNow(record.instance)
          const method = instance.method
          if (!method.next) throw new TypeError(`${instance.id} gave a step that needs an answer, but has no next()`)
          return method.next(reply(ctx, via), forPlugin(record, instance))
        }),
    })
    await settle(ctx, { record, step }, { arrived })
  }

  return {
    async begin(ctx, beginning) {
      const instance = instanceOf(beginning.instance)
      const browser = bindingFor(ctx, desk, () => random.token())
      const { input, clientName, loginHint, arrived, ...start } = beginning
      if (start.purpose !== 'sandbox') rememberMethod(ctx, desk, instance.id)
      const ask = { locale: desk.locale(ctx), clientName, loginHint, address: ctx.state.address, input }
      const { isKept, ...came } = await attempts.begin({ ...start, binding: bindingOf(browser.value) }, (record) => {
        const work = () => watched('begin', () => instance.method.begin(ask, forPlugin(record, instance)))
        return stepOf(ctx, record, { at: 'begin', work })
      })
      await settle(ctx, came, { isNew: !isKept, keepBrowser: browser.keep, arrived })
    },
    async showForm(ctx, page) {
      const record = await mine(ctx, page.state, page.instance)
      if (!record.form || record.base !== page.base)
        throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
      allowReturn(ctx, record)
      const csrf = desk.csrf.token(page.binding, csrfPurpose)
      desk.show(ctx, 'step', {
        form: record.form,
        action: ctx.path,
        csrf,
        instance: methods.label(record.instance, desk.locale(ctx)),
        back: record.purpose === 'sign-in' ? { action: `${record.base}/choose`, csrf } : undefined,
      })
    },
    async postForm(ctx, page) {
      const record = await mine(ctx, page.state, page.instance)
      if (!record.form || record.base !== page.base)
        throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
      await next(ctx, record, { via: 'form', arrived: page.arrived })
    },
    async callback(ctx, { instance, state }) {
      const record = await mine(ctx, state, instance)
      // Consumed before the plugin speaks to the upstream: a replayed callback never gets that far.
      await attempts.consume(record)
      await next(ctx, record, { via: 'callback' })
    },
    async visit(ctx, id) {
      const instance = instanceOf(id)
      const { visit } = instance.method
      if (!visit) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'login.expired'))
      const found = await attempts.find(typeof ctx.query.state === 'string' ? ctx.query.state : undefined)
      // An attempt of another instance is none here: its plugin may know no visits.
      const record = found?.instance === id ? found : undefined
      const binding = readBinding(ctx, desk)
      const sameBrowser = record !== undefined && isSameBrowser(record, binding)
      if (ctx.method === 'POST' && sameBrowser) return next(ctx, record, { via: 'visit' })
      const attempt = record && forPlugin(record, instance)
      const page = await visit.call(instance.method, {
        url: new URL(ctx.url, desk.issuer),
        locale: desk.locale(ctx),
        sameBrowser,
        attempt,
      })
      if (sameBrowser) allowReturn(ctx, record)
      desk.show(ctx, 'page', { page, post: { action: ctx.url, csrf: desk.csrf.token(binding ?? 'none', csrfPurpose) } })
    },
  }

  /**
   * Goes to the upstream by a page of ours. A redirect in answer to a form would bind every later hop, the
   * upstream's own included, to this page's `form-action`.
   */
  function goUpstream(ctx: Ctx, to: URL): void {
    if (to.protocol !== 'https:' && to.protocol !== 'http:')
      throw new TypeError(`an upstream address must be http(s), got ${to.protocol}`)
    if (ctx.method === 'GET') {
      seeOther(ctx, to.href)
      return
    }
    ctx.set('Refresh', `0; url=${to.href}`)
    desk.show(ctx, 'message', {
      title: desk.text(ctx, 'login.going', { host: to.host }),
      text: [],
      link: { label: desk.text(ctx, 'login.goingLink', { host: to.host }), href: to.href },
    })
  }
}

/** Under which key the words of a try-out that came to nothing wait: for the session that asked. */
export function sandboxNoteKey(session: string | undefined): string {
  return `sandbox:${session ?? 'none'}`
}

/** The answer to a form may end at the relying party at once, and Chromium checks redirects of forms too. */
function allowReturn(ctx: Ctx, { returnTo }: AttemptRecord): void {
  if (returnTo !== undefined) allowFormTo(ctx, returnTo)
}

/** An assertion is taken only from an issuer the instance declared, with a subject that can be a key. */
export function checkAssertion(instance: AuthInstance, assertion: Assertion): void {
  const { issuer, subject } = assertion
  if (!instance.method.issuers.includes(issuer))
    throw new Fault(
      'ERR_UPSTREAM',
      `${instance.id} asserted issuer ${JSON.stringify(issuer)}, which it did not declare`,
    )
  if (typeof subject !== 'string' || subject === '' || subject.length > 1000)
    throw new Fault('ERR_UPSTREAM', `${instance.id} asserted no usable subject`)
}

function rememberMethod(ctx: Ctx, desk: Desk, id: string): void {
  const until = new Date(desk.clock.now().getTime() + 90 * 24 * 3600 * 1000)
  setCookie(ctx, { name: desk.cookieNames.recent, value: id, secure: desk.issuer.startsWith('https:'), until })
}
