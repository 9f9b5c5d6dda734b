/** Sets up the desk of the login room for a site, and the pages of errors. @module */
import type { Fact } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { wordsFor } from './assembly.ts'
import type { App } from './http/app.ts'
import { cookieNames } from './http/cookies.ts'
import type { ErrorPages } from './http/errors.ts'
import { createLanguageChoice } from './http/language.ts'
import { returnPath } from './http/returns.ts'
import type { SessionCookie } from './http/session.ts'
import { providerInteractions } from './interactions.ts'
import { createAttempts } from './login/attempts.ts'
import type { Desk } from './login/desk.ts'
import { tellAdmins } from './login/waiting.ts'
import { isHouseTrouble } from './observe/sign-ins.ts'
import { claimsOfScope } from './oidc/claims.ts'
import type { ProviderSessions } from './oidc/provider-sessions.ts'
import type { Pages } from './pages/pages.ts'
import type { Text } from './pages/text.ts'
import { additionsOf, personOf, type Site } from './site.ts'

/** What the desk needs besides the site. */
export interface DeskParts {
  readonly app: App
  readonly cookie: SessionCookie
  readonly pages: Pages
  readonly providerSessions: ProviderSessions
  provider(): Provider
}

/** The desk: all that a page of a sign-in needs at hand. */
export function createDesk(site: Site, { app, cookie, pages, provider, providerSessions }: DeskParts): Desk {
  const { config, rooms, registry } = site
  const { get } = rooms
  const language = createLanguageChoice(pages.texts, config.issuer)
  const keepLanguage: Desk['keepLanguage'] = async (ctx, account) => {
    const chosen = await get('languages').of(account)
    if (chosen !== undefined) language.keep(ctx, chosen)
  }
  const locale: Desk['locale'] = (ctx) => language.of(ctx.req.headers)
  const label = (id: string, language: string): string => {
    const card = registry.choices(language).find((choice) => choice.id === id)?.card
    return card?.name ?? (card && 'label' in card ? card.label : id)
  }
  const interactions = providerInteractions({
    provider,
    artifacts: get('storage').artifacts,
    expiredText: pages.texts.in('en')('login.expired'),
  })
  return {
    issuer: config.issuer,
    support: config.branding.support,
    rememberDays: Math.round(config.session.remember / 86_400),
    cookieNames: cookieNames(config.issuer),
    clock: get('clock'),
    log: get('log'),
    csrf: app.csrf,
    attempts: createAttempts({ artifacts: get('storage').artifacts, clock: get('clock'), random: get('random') }),
    interactions,
    people: get('people'),
    accounts: get('accounts'),
    invitations: get('invitations'),
    sessions: get('sessions'),
    consents: get('consents'),
    cookie: speaking(cookie, keepLanguage),
    keepLanguage,
    terms: get('ledger').terms,
    profile: get('profile'),
    access: get('access'),
    missingTerms: (account, service) => get('access').missingTerms({ account, service }),
    methods: {
      get: (id) => registry.auth().find((one) => one.id === id),
      isConfigured: (id) => [...registry.auth(), ...registry.failed()].some((one) => one.id === id),
      choices: (language) => registry.choices(language),
      label,
    },
    preview: (ctx, account, scope) => previewScope(site, { t: pages.texts.in(locale(ctx)), account, scope }),
    async previewClaims(ctx, account, names) {
      if (names.length === 0) return []
      const t = pages.texts.in(locale(ctx))
      const scopes = await Promise.all(
        Object.keys(config.claims).map((scope) => previewScope(site, { t, account, scope })),
      )
      const known = new Map(scopes.flatMap(({ claims }) => claims.map(({ claim, preview }) => [claim, preview])))
      return names.map((claim) => ({ claim, preview: known.get(claim) }))
    },
    show(ctx, view, data) {
      ctx.type = 'html'
      const elsewhere = elsewhereOf(config.issuer, ctx.state.host)
      ctx.body = pages.render(view, data, {
        ...{ locale: locale(ctx), nonce: ctx.state.nonce, elsewhere },
        // What was posted cannot be come back to.
        here: ctx.method === 'GET' ? returnPath(ctx.url, config.issuer) : undefined,
      })
    },
    async leaveOther(ctx, { accountId, uid }) {
      await interactions.detach(ctx)
      await get('sessions').endByProvider(uid)
      const tell = await providerSessions.end({ account: accountId, providerUid: uid, reach: 'session' })
      await tell()
    },
    locale,
    text: (ctx, key, values) => pages.texts.in(locale(ctx))(key, values),
    troubled(error, at) {
      if (isHouseTrouble(error, at)) get('signIns').note('failed')
    },
    async audit(ctx, event) {
      const { requestId, address } = ctx.state
      await get('audit')({ ...event, actor: event.account, requestId, address })
      if (event.type === 'sign-in.done') get('signIns').note('done')
      if (event.type.startsWith('sign-in.'))
        get('metrics').signIn({ instance: event.detail?.instance ?? 'none', outcome: event.type.slice(8) as 'done' })
    },
    tellAdmins: (account) =>
      tellAdmins({
        account,
        accounts: get('accounts'),
        mail: get('mail'),
        log: get('log'),
        wordsFor: (person) => wordsFor(get, person),
        siteName: config.name,
      }),
  }
}

/** A sign-in brings along the language that the person chose in another browser. */
function speaking(cookie: SessionCookie, keepLanguage: Desk['keepLanguage']): SessionCookie {
  return {
    ...cookie,
    async open(ctx, start, along) {
      await Promise.all([cookie.open(ctx, start, along), keepLanguage(ctx, start.account)])
    },
  }
}

/** What a scope would show of the account, for the consent page. */
async function previewScope(
  site: Site,
  { t, ...ask }: { t: Text; account: string; scope: string },
): ReturnType<Desk['preview']> {
  const person = await personOf(site.rooms, ask.account)
  const added = additionsOf(site.registry).find(({ scopes }) => scopes?.[ask.scope])?.scopes?.[ask.scope]
  const claims = person ? claimsOfScope(site.config.claims, ask.scope, person) : []
  return {
    title: t.find(`scopes.${ask.scope}.title`) ?? added?.description ?? ask.scope,
    description: t.find(`scopes.${ask.scope}.description`),
    claims: claims.map(({ claim, value }) => ({ claim, preview: shown(value, t) })),
  }
}

function shown(value: Fact['value'], t: Text): string | undefined {
  if (typeof value === 'boolean') return t(value ? 'consent.yes' : 'consent.no')
  if (Array.isArray(value)) return value.length > 0 ? value.map(String).join(', ') : undefined
  return value === null ? undefined : String(value)
}

/** Our origin, for a page on another host. */
function elsewhereOf(issuer: string, host: string | undefined): string | undefined {
  const { origin, host: own } = new URL(issuer)
  return host === undefined || host === own ? undefined : origin
}

/** How errors look. */
export function errorPages(pages: Pages, issuer: string): ErrorPages {
  const language = createLanguageChoice(pages.texts, issuer)
  return {
    renderError(view) {
      const elsewhere = elsewhereOf(issuer, view.host)
      const options = { locale: language.of(view.headers), nonce: view.nonce, elsewhere }
      if (view.kind === 'wrong-host' && view.href !== undefined)
        return pages.render('wrong-host', { href: view.href, typed: view.typed }, options)
      const { code, requestId, message } = view
      const restart = { href: view.restart ?? '/' }
      return pages.render('error', { code, requestId, message, restart }, options)
    },
  }
}
