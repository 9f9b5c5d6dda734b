/** The pages of an interaction: chooser, continue-as, consent. They show; what is posted is handled in `routes.ts`. @module */
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { readCookie } from '../http/session.ts'
import { iconUri } from '../pages/links.ts'
import type { MethodView } from '../pages/views.ts'
import type { Choice } from '../registry/registry.ts'
import { type Desk, isNoted, post } from './desk.ts'
import type { Interaction } from './interactions.ts'

export interface InteractionPages {
  chooser(ctx: Ctx, interaction: Interaction): Promise<void>
  continueAs(ctx: Ctx, interaction: Interaction): Promise<boolean>
  consent(ctx: Ctx, interaction: Interaction): Promise<void>
}

export function createInteractionPages(desk: Desk): InteractionPages {
  const { interactions } = desk
  const baseOf = ({ uid }: Interaction) => `/interaction/${uid}`
  /** Answers to these forms end at the relying party, and Chromium checks redirects of forms too. */
  const allowReturn = (ctx: Ctx, { redirectUri }: Interaction) => {
    if (redirectUri) allowFormTo(ctx, redirectUri)
  }

  return {
    async chooser(ctx, interaction) {
      const base = baseOf(interaction)
      allowReturn(ctx, interaction)
      const note = isNoted(ctx) ? await desk.attempts.takeNote(base) : undefined
      const session = await desk.cookie.of(ctx.req)
      const mayContinue = session && !mustProve(interaction, { session, now: desk.clock.now() })
      desk.show(ctx, 'chooser', {
        client: await interactions.client(interaction.clientId),
        message: note === undefined ? undefined : { tone: 'warning', text: note },
        methods: wanted(desk.methods.choices(desk.locale(ctx)), interaction).flatMap((choice) =>
          methodView(withHint(choice, interaction), base),
        ),
        csrf: post(desk, interaction.uid, base).csrf,
        remember: { days: desk.rememberDays },
        continueAs: mayContinue
          ? { ...session.owner, ...post(desk, interaction.uid, `${base}/continue-as`) }
          : undefined,
        cancel: post(desk, interaction.uid, `${base}/cancel`),
        lastUsed: readCookie(ctx.req, desk.cookieNames.recent),
      })
    },
    async continueAs(ctx, interaction) {
      const session = await desk.cookie.of(ctx.req)
      if (!session || mustProve(interaction, { session, now: desk.clock.now() })) return false
      const base = baseOf(interaction)
      allowReturn(ctx, interaction)
      desk.show(ctx, 'continue-as', {
        account: session.owner,
        client: await interactions.client(interaction.clientId),
        go: post(desk, interaction.uid, `${base}/continue-as`),
        switch: post(desk, interaction.uid, `${base}/choose`),
      })
      return true
    },
    async consent(ctx, interaction) {
      const id = interaction.session?.accountId ?? ''
      // As it acts, it is known already; what it may no longer do is refused when it answers.
      const account = (await desk.accounts.acting(id)) ?? (await desk.accounts.find(id))
      const client = await interactions.client(interaction.clientId)
      if (!account || !client) throw new TypeError('a consent prompt always has an account and a client')
      const base = baseOf(interaction)
      allowReturn(ctx, interaction)
      const scopes = await Promise.all(
        askedScopes(interaction).map(async (name) => ({
          name,
          optional: name !== 'openid',
          ...(await desk.preview(ctx, account.id, name)),
        })),
      )
      const atResources = missingResourceScopes(interaction).map(({ name, resource }) => ({
        name,
        title: name,
        description: resource,
        claims: [],
        optional: false,
      }))
      const names = missingClaims(interaction)
      const byName = {
        name: 'claims',
        title: desk.text(ctx, 'consent.byName'),
        claims: await desk.previewClaims(ctx, account.id, names),
        optional: false,
      }
      desk.show(ctx, 'consent', {
        client,
        account,
        scopes: [...scopes, ...(names.length > 0 ? [byName] : []), ...atResources],
        ...post(desk, interaction.uid, `${base}/consent`),
        cancel: post(desk, interaction.uid, `${base}/cancel`),
      })
    },
  }
}

/** Scopes the consent page asks for: what was never decided, or all of them when the relying party wants to ask again. */
export function askedScopes({ prompt, scopes }: Interaction): readonly string[] {
  if (prompt.reasons.includes('consent_prompt')) return scopes
  return (prompt.details.missingOIDCScope as string[] | undefined) ?? []
}

/** Scopes at resource servers (RFC 8707) the consent prompt asks for; they are allowed together with the rest. */
function missingResourceScopes({ prompt }: Interaction): { name: string; resource: string }[] {
  const missing = (prompt.details.missingResourceScopes ?? {}) as Readonly<Record<string, readonly string[]>>
  return Object.entries(missing).flatMap(([resource, scopes]) => scopes.map((name) => ({ name, resource })))
}

/** Single claims the consent prompt asks for (OpenID Connect Core §5.5). */
export function missingClaims({ prompt }: Interaction): string[] {
  return (prompt.details.missingOIDCClaims as string[] | undefined) ?? []
}

/**
 * Whether the relying party wants the person to sign in anew, whoever is signed in. An answer to `select_account` answers
 * `prompt=login` with it, so that is no way round.
 */
export function isForced({ prompt, prompts }: Interaction): boolean {
  if (prompt.name === 'select_account') return prompts.includes('login')
  return prompt.name === 'login' && prompt.reasons.some((reason) => !['no_session', 'browser_session'].includes(reason))
}

/** Whether a session of ours is not proof enough: the Provider does not look at `max_age` again once a sign-in was answered. */
export function mustProve(
  interaction: Interaction,
  { session, now }: { readonly session: { readonly authTime: Date }; readonly now: Date },
): boolean {
  const ageSeconds = (now.getTime() - session.authTime.getTime()) / 1000
  return isForced(interaction) || (interaction.maxAge !== undefined && ageSeconds > interaction.maxAge)
}

/** Those that are offered: the one that was wished, or all of them where there is none such. */
export function wanted(choices: readonly Choice[], { wish }: Pick<Interaction, 'wish'>): readonly Choice[] {
  const found = choices.filter(({ id }) => id === wish)
  return found.length > 0 ? found : choices
}

/** The address that a relying party has heard of is filled in, for the person to see and change. */
function withHint({ id, card }: Choice, { loginHint }: Interaction): Choice {
  if (!('label' in card) || card.form === undefined || loginHint === undefined || loginHint.length > 254)
    return { id, card }
  const fields = card.form.fields.map((field) =>
    field.type === 'email' && field.value === undefined ? { ...field, value: loginHint } : field,
  )
  return { id, card: { ...card, form: { ...card.form, fields } } }
}

function methodView({ id, card }: Choice, base: string): MethodView[] {
  const action = `${base}/m/${id}`
  if ('hidden' in card) return card.show ? [{ id, label: card.name ?? id, action, unavailable: card.hidden }] : []
  const { label, icon, hint, form } = card
  return [{ id, label, action, hint, form, icon: icon === undefined ? undefined : iconUri(icon) }]
}
