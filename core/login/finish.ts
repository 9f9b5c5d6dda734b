/**
 * From an outcome to a finished interaction: admission, the state of the account, our session, the Provider's answer.
 * @module
 */
import { Fault } from '@labgate/contract'
import { type AccountRow, mayAct, verifiedEmail } from '../accounts/accounts.ts'
import { describe } from '../accounts/admission.ts'
import type { IdentityRow } from '../accounts/identities.ts'
import type { SignInNote, Welcome } from '../accounts/people.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { seeOther } from '../http/see-other.ts'
import { isSameBrowser, type Outcome } from './attempts.ts'
import { mustProve } from './chooser.ts'
import { type Desk, post, readBinding } from './desk.ts'
import type { Interaction } from './interactions.ts'

export interface Finish {
  /** The bounce from an upstream's callback: the interaction's own cookie is here, so this is the browser that began. */
  continue(ctx: Ctx, interaction: Interaction): Promise<void>
  /**
   * The way to sign in needed no upstream, so the browser is at the interaction's own page already. `false`: the answer is a
   * page, which is not to be that of a form.
   */
  atOnce(ctx: Ctx, interaction: Interaction, outcome: Outcome): Promise<boolean>
  /** The person chose a new account although their address is known. */
  makeNew(ctx: Ctx, interaction: Interaction): Promise<void>
  /** Signs the interaction in with our living session. */
  withSession(ctx: Ctx, interaction: Interaction): Promise<boolean>
}

export function createFinish(desk: Desk): Finish {
  const { attempts, people, interactions } = desk
  const baseOf = (interaction: Interaction) => `/interaction/${interaction.uid}`

  const arrive = async (
    ctx: Ctx,
    interaction: Interaction,
    arrival: { outcome: Outcome; wantsNew: boolean; showsNothing?: boolean },
  ): Promise<boolean> => {
    const { outcome, wantsNew, showsNothing = false } = arrival
    const instance = desk.methods.get(outcome.instance)
    if (!instance) throw new Fault('ERR_METHOD_DOWN', desk.text(ctx, 'login.expired'))
    const source = { instance: instance.id, realm: instance.realm }
    // A browser that we do not know has brought no invitation, and left nothing here before.
    const isKnown = readBinding(ctx, desk) !== undefined
    const held = isKnown ? await attempts.heldInvitation(outcome.binding) : undefined
    const welcome = await people.arrive({
      source,
      invitation: held?.became === 'accepted' ? undefined : held?.proof,
      admission: instance.admission,
      groups: instance.groups,
      assertion: outcome.assertion,
      wantsNew,
    })
    if (welcome.kind !== 'account') {
      if (showsNothing) return false
      if (welcome.kind === 'refused') await refuse(ctx, { outcome, welcome })
      else await offerLink(ctx, interaction, { outcome, email: welcome.email })
      return true
    }
    if (welcome.created)
      await desk.audit(ctx, { type: 'account.created', account: welcome.account.id, detail: { instance: instance.id } })
    if (held && welcome.invitation) {
      const came = { became: welcome.invitation, account: welcome.account.id }
      await attempts.settleInvitation(outcome.binding, { proof: held.proof, ...came })
    }
    if (isKnown) await joinAside(ctx, interaction, { outcome, account: welcome.account })
    await enter(ctx, interaction, { outcome, ...welcome })
    return true
  }

  /** An identity that waited for this proof is linked now. */
  const joinAside = async (
    ctx: Ctx,
    interaction: Interaction,
    proof: { outcome: Outcome; account: AccountRow },
  ): Promise<void> => {
    const { account } = proof
    const waiting = await attempts.aside(baseOf(interaction))
    // Cookies of an interaction can be planted from a sibling host: its two halves must be this browser's.
    if (waiting && !isSameBrowser(waiting, readBinding(ctx, desk))) return
    const instance = waiting && desk.methods.get(waiting.instance)
    if (!waiting || !instance || waiting.id === proof.outcome.id) return
    // Only the account that the page spoke of: somebody else at this browser must not walk off with the identity.
    const isTheirs = account.emailVerified && account.email === verifiedEmail(waiting.assertion.facts)
    if (!isTheirs) return
    await people.join(account.id, {
      source: { instance: instance.id, realm: instance.realm },
      admission: instance.admission,
      groups: instance.groups,
      assertion: waiting.assertion,
    })
    await desk.audit(ctx, { type: 'identity.linked', account: account.id, detail: { instance: instance.id } })
  }

  const enter = async (
    ctx: Ctx,
    interaction: Interaction,
    entry: { outcome: Outcome; account: AccountRow; identity: IdentityRow; created: boolean; note: SignInNote },
  ): Promise<void> => {
    const { outcome, account, identity, note } = entry
    if (!mayAct(account)) await note.seen()
    if (account.state === 'pending') return wait(ctx, interaction, entry)
    if (!mayAct(account)) {
      await desk.audit(ctx, { type: 'sign-in.refused', account: account.id, detail: { why: account.state } })
      throw new Fault('ERR_ACCOUNT_INACTIVE', desk.text(ctx, 'login.inactive'))
    }
    const { assertion, remember } = outcome
    const sameAsTheirs = interaction.session?.accountId === account.id
    if (interaction.session && !sameAsTheirs) await desk.leaveOther(ctx, interaction.session)
    // Begun in one turn, so that they share one commit.
    const noted = Promise.all([
      note.signedIn(),
      desk.audit(ctx, {
        type: 'sign-in.done',
        account: account.id,
        client: interaction.clientId,
        detail: { instance: outcome.instance },
      }),
    ])
    const start = {
      account: account.id,
      instance: outcome.instance,
      identity: identity.id,
      amr: assertion.amr,
      acr: assertion.acr,
      authTime: assertion.at,
      remember,
      address: ctx.state.address,
      userAgent: ctx.get('user-agent'),
      providerUid: sameAsTheirs ? interaction.session?.uid : undefined,
    }
    await desk.cookie.open(ctx, start, noted)
    await answer(ctx, { account: account.id, authTime: assertion.at, amr: assertion.amr, acr: assertion.acr, remember })
  }

  const answer = async (
    ctx: Ctx,
    login: { account: string; authTime: Date; amr: readonly string[]; acr: string | undefined; remember: boolean },
  ): Promise<void> => {
    const next = await interactions.finish(ctx, {
      login: {
        accountId: login.account,
        ts: Math.floor(login.authTime.getTime() / 1000),
        amr: [...login.amr],
        ...(login.acr === undefined ? {} : { acr: login.acr }),
        remember: login.remember,
      },
      select_account: {},
    })
    seeOther(ctx, next)
  }

  const wait = async (
    ctx: Ctx,
    interaction: Interaction,
    entry: { account: AccountRow; created: boolean },
  ): Promise<void> => {
    const { account, created } = entry
    await desk.audit(ctx, { type: 'account.waiting', account: account.id })
    if (created) await desk.tellAdmins(account.id)
    ctx.status = 403
    const client = await interactions.client(interaction.clientId)
    desk.show(ctx, 'waiting', { account, client, contact: desk.support })
  }

  const refuse = async (
    ctx: Ctx,
    { outcome, welcome }: { outcome: Outcome; welcome: Extract<Welcome, { kind: 'refused' }> },
  ): Promise<void> => {
    await desk.audit(ctx, {
      type: 'sign-in.refused',
      detail: { instance: outcome.instance, rule: welcome.rule, why: welcome.why },
    })
    ctx.status = 403
    desk.show(ctx, 'refused', {
      instance: desk.methods.label(outcome.instance, desk.locale(ctx)),
      reason: desk.text(ctx, `login.refused.${welcome.rule}`),
      rule: ruleText(ctx, desk, { instance: outcome.instance, why: welcome.why }),
      contact: desk.support,
      code: 'ERR_ADMISSION',
      requestId: ctx.state.requestId,
      tryOther: outcome.base,
    })
  }

  const offerLink = async (
    ctx: Ctx,
    interaction: Interaction,
    { outcome, email }: { outcome: Outcome; email: string },
  ): Promise<void> => {
    await attempts.setAside(outcome)
    if (interaction.redirectUri) allowFormTo(ctx, interaction.redirectUri)
    const base = baseOf(interaction)
    const existing = desk.methods
      .choices(desk.locale(ctx))
      .filter(({ id, card }) => id !== outcome.instance && 'label' in card && !card.form)
      .map(({ id, card }) => ({
        ...post(desk, interaction.uid, `${base}/m/${id}`),
        label: (card as { label: string }).label,
      }))
    desk.show(ctx, 'link-or-new', {
      instance: desk.methods.label(outcome.instance, desk.locale(ctx)),
      email,
      existing: [
        ...existing,
        { ...post(desk, interaction.uid, `${base}/choose`), label: desk.text(ctx, 'login.anotherWay') },
      ],
      fresh: post(desk, interaction.uid, `${base}/new`),
      cancel: post(desk, interaction.uid, `${base}/cancel`),
    })
  }

  return {
    async atOnce(ctx, interaction, outcome) {
      const fits = outcome.base === baseOf(interaction) && outcome.purpose === 'sign-in'
      return fits && arrive(ctx, interaction, { outcome, wantsNew: false, showsNothing: ctx.method === 'POST' })
    },
    async continue(ctx, interaction) {
      const outcome = await attempts.take(typeof ctx.query.o === 'string' ? ctx.query.o : undefined)
      const fits = outcome.base === baseOf(interaction) && outcome.purpose === 'sign-in'
      if (!fits || !isSameBrowser(outcome, readBinding(ctx, desk)))
        throw new Fault('ERR_LOGIN_OTHER_BROWSER', desk.text(ctx, 'login.otherBrowser'))
      await arrive(ctx, interaction, { outcome, wantsNew: false })
    },
    async makeNew(ctx, interaction) {
      const outcome = await attempts.aside(baseOf(interaction))
      if (!outcome) throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
      if (!isSameBrowser(outcome, readBinding(ctx, desk)))
        throw new Fault('ERR_LOGIN_OTHER_BROWSER', desk.text(ctx, 'login.otherBrowser'))
      await arrive(ctx, interaction, { outcome, wantsNew: true })
    },
    async withSession(ctx, interaction) {
      const session = await desk.cookie.of(ctx.req)
      if (!session || mustProve(interaction, { session, now: desk.clock.now() })) return false
      await answer(ctx, { ...session, acr: session.acr ?? undefined })
      return true
    },
  }
}

/** The rule that said no, in the person's language. */
export function ruleText<W extends string | undefined>(
  ctx: Ctx,
  desk: Pick<Desk, 'methods' | 'text'>,
  { instance, why }: { readonly instance: string; readonly why: W },
): W | string {
  const rule = desk.methods.get(instance)?.admission.allow
  // What else may stand there is no rule of the config.
  if (rule === undefined || why !== describe(rule)) return why
  return describe(rule, (key, values) => desk.text(ctx, `login.rule.${key}`, values))
}
