/** The console’s room for service accounts and their tokens. For admins: a program acts on what its parent accepted. @module */
import type { Rights } from '../access/stewards.ts'
import type { ServiceAccount, ServiceAccounts } from '../accounts/service-accounts.ts'
import type { ApiTokens } from '../accounts/tokens.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice, Post } from '../pages/views.ts'
import type { TokenMadeView } from '../pages/views-console-people.ts'
import type { ConsoleFrame, FormChange, Visit } from './frame.ts'
import { gone } from './scope.ts'
import { livesUpTo, newTokenIn, tokenMakeView, tokenView } from './token-forms.ts'
import { framed, typedIn } from './typed.ts'
import { createWho } from './who.ts'

/** What the room stands on. */
export interface ServiceAccountsNeeds {
  readonly desk: Desk
  readonly serviceAccounts: ServiceAccounts
  readonly tokens: ApiTokens
}

const base = '/console/service-accounts'
const room = 'service-accounts'
const addressOf = (id: string) => `${base}/${encodeURIComponent(id)}`
const may = ({ admin }: Rights) => admin
const lives = livesUpTo('endless')

interface Again {
  readonly notice?: Notice | undefined
  readonly made?: TokenMadeView | undefined
}

/** Routes under `/console/service-accounts`. */
export function serviceAccountRoutes(frame: ConsoleFrame, needs: ServiceAccountsNeeds): Route[] {
  const pages = serviceAccountPages(frame, needs)
  return [
    frame.page(base, pages.list, may),
    frame.page(`${base}/new`, (ctx, visit) => pages.makeNew(ctx, visit), may),
    frame.page(`${base}/:id`, (ctx, visit) => pages.one(ctx, visit, {}), may),
    ...accountForms(frame, needs, pages),
    ...tokenForms(frame, needs, pages),
  ]
}

async function accountOf(ctx: Ctx, { desk, serviceAccounts }: ServiceAccountsNeeds): Promise<ServiceAccount> {
  const id = ctx.params.id ?? ''
  const found = await serviceAccounts.find(id)
  // By its id alone: a username could be another one's id.
  return found?.id === id ? found : gone(ctx, desk)
}

function serviceAccountPages(frame: ConsoleFrame, needs: ServiceAccountsNeeds) {
  const { desk } = needs
  const who = createWho(desk)
  const lineOf = ({ id, username, displayName, state }: ServiceAccount) => ({ id, username, displayName, state })
  const parentOf = async ({ parent }: ServiceAccount) => {
    const account = parent === undefined ? undefined : await desk.accounts.find(parent)
    return account && { ...(await who.view(account.id)), state: account.state }
  }
  return {
    async list(ctx: Ctx, visit: Visit): Promise<void> {
      const found = await needs.serviceAccounts.list(frame.asked(ctx))
      frame.show(ctx, 'console-service-accounts', {
        frame: await frame.frame(ctx, visit, room),
        paging: frame.paging(ctx, found),
        accounts: await Promise.all(found.rows.map(async (one) => ({ ...lineOf(one), parent: await parentOf(one) }))),
      })
    },
    async makeNew(ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> {
      frame.show(ctx, 'console-service-account-new', {
        frame: await framed(frame, { ctx, visit, room, notice }),
        post: frame.post(ctx, `${base}/new`),
        typed: typedIn(ctx),
      })
    },
    async one(ctx: Ctx, visit: Visit, { notice, made }: Again): Promise<void> {
      const account = await accountOf(ctx, needs)
      const at = addressOf(account.id)
      const tokens = await needs.tokens.list({ ...frame.asked(ctx), account: account.id })
      const typed = made === undefined ? typedIn(ctx) : {}
      const turn: Post = {
        ...frame.post(ctx, `${at}/state`),
        fields: { state: account.state === 'active' ? 'deactivated' : 'active' },
      }
      frame.show(ctx, 'console-service-account', {
        frame: await framed(frame, { ctx, visit, room, notice }),
        account: { ...lineOf(account), description: account.description, createdAt: account.createdAt },
        parent: await parentOf(account),
        change: frame.post(ctx, `${at}/change`),
        turn,
        paging: frame.paging(ctx, tokens, at),
        tokens: tokens.rows.map((token) => ({
          ...tokenView(token),
          ...(token.state === 'active'
            ? { revoke: frame.post(ctx, `${at}/tokens/${encodeURIComponent(token.id)}/revoke`) }
            : {}),
        })),
        make: tokenMakeView({ post: frame.post(ctx, `${at}/tokens`), scopes: needs.tokens.scopes(), lives, typed }),
        made,
        typed,
      })
    },
  }
}

type Pages = ReturnType<typeof serviceAccountPages>

function accountForms(frame: ConsoleFrame, needs: ServiceAccountsNeeds, pages: Pages): Route[] {
  const { desk } = needs
  const on = formOn(frame, needs, pages)
  const who = createWho(desk)
  /** The parent as it was typed; `null`: none. */
  const parentIn = async (ctx: Ctx): Promise<string | null> => {
    const { parent = '' } = typedIn(ctx)
    return parent.trim() === '' ? null : (await who.find(ctx, parent)).id
  }
  return [
    frame.form(`${base}/new`, {
      may,
      async apply(ctx, { actor }) {
        const { username = '', displayName = '', description } = typedIn(ctx)
        const parent = (await parentIn(ctx)) ?? undefined
        const made = { username: username.trim(), displayName, description, parent }
        const account = await needs.serviceAccounts.create(actor, made)
        return { to: addressOf(account.id), said: desk.text(ctx, 'console.serviceAccounts.made', { name: username }) }
      },
      again: pages.makeNew,
    }),
    on('change', async (ctx, { actor }, { id }) => {
      const { displayName = '', description = '' } = typedIn(ctx)
      await needs.serviceAccounts.change(actor, id, { displayName, description, parent: await parentIn(ctx) })
      return desk.text(ctx, 'console.saved')
    }),
    on('state', async (ctx, { actor }, { id }) => {
      const state = typedIn(ctx).state === 'active' ? 'active' : 'deactivated'
      await needs.serviceAccounts.change(actor, id, { state })
      return desk.text(ctx, state === 'active' ? 'console.serviceAccounts.isOn' : 'console.serviceAccounts.isOff')
    }),
  ]
}

function tokenForms(frame: ConsoleFrame, needs: ServiceAccountsNeeds, pages: Pages): Route[] {
  const { desk } = needs
  const on = formOn(frame, needs, pages)
  return [
    on('tokens', async (ctx, visit, { id }) => {
      const wanted = newTokenIn(ctx, desk, { typed: typedIn(ctx), lives })
      const { value, token } = await needs.tokens.create(visit.actor, { account: id, ...wanted })
      // On this page and nowhere else: only its digest is kept.
      await pages.one(ctx, visit, { made: { name: token.name, value } })
      return 'answered'
    }),
    on('tokens/:token/revoke', async (ctx, { actor }, { id }) => {
      const token = await needs.tokens.find(ctx.params.token ?? '')
      if (token?.account !== id) return gone(ctx, desk)
      await needs.tokens.revoke(actor, token.id)
      return desk.text(ctx, 'tokens.isRevoked', { name: token.name })
    }),
  ]
}

type Apply = (ctx: Ctx, visit: Visit, account: ServiceAccount) => Promise<string>

/** A form on the page of one account; the page comes again when it failed. */
function formOn(frame: ConsoleFrame, needs: ServiceAccountsNeeds, pages: Pages) {
  return (path: string, apply: Apply): Route => {
    const change: FormChange = {
      may,
      async apply(ctx, visit) {
        const account = await accountOf(ctx, needs)
        const said = await apply(ctx, visit, account)
        return said === 'answered' ? said : { to: addressOf(account.id), said }
      },
      again: (ctx, visit, notice) => pages.one(ctx, visit, { notice }),
    }
    return frame.form(`${base}/:id/${path}`, change)
  }
}
