/** The console’s room for all API tokens of the site. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { ApiToken, ApiTokens } from '../accounts/tokens.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { tokenView } from './token-forms.ts'
import { typedIn } from './typed.ts'
import { whoOf } from './who.ts'

/** What the room stands on. */
export interface TokensNeeds {
  readonly desk: Desk
  readonly tokens: ApiTokens
}

const base = '/console/tokens'
const may = ({ admin }: Rights) => admin
const states = ['active', 'expired', 'revoked'] as const

/** Routes under `/console/tokens`. */
export function tokenRoutes(frame: ConsoleFrame, needs: TokensNeeds): Route[] {
  const { desk } = needs
  const lineOf = async (ctx: Ctx, token: ApiToken) => {
    const owner = await desk.accounts.find(token.account)
    const isService = owner?.kind === 'service'
    return {
      ...tokenView(token),
      owner: owner
        ? { ...whoOf(owner), ...(isService ? { href: `/console/service-accounts/${owner.id}` } : {}) }
        : { id: token.account },
      ...(token.state === 'active'
        ? {
            revoke: {
              ...frame.post(ctx, `${base}/${encodeURIComponent(token.id)}/revoke`),
              fields: { list: ctx.querystring },
            },
          }
        : {}),
    }
  }
  const list = async (ctx: Ctx, visit: Visit): Promise<void> => {
    const state = states.find((one) => one === ctx.query.state)
    const found = await needs.tokens.list({ ...frame.asked(ctx), ...(state === undefined ? {} : { state }) })
    frame.show(ctx, 'console-tokens', {
      frame: await frame.frame(ctx, visit, 'tokens'),
      paging: frame.paging(ctx, found),
      state: state ?? '',
      tokens: await Promise.all(found.rows.map((token) => lineOf(ctx, token))),
    })
  }
  return [
    frame.page(base, list, may),
    frame.form(`${base}/:id/revoke`, {
      may,
      async apply(ctx, { actor }) {
        const token = await needs.tokens.find(ctx.params.id ?? '')
        if (!token) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'console.gone'))
        await needs.tokens.revoke(actor, token.id)
        // Back to the same search: whoever looks for a leaked key often has several to end.
        const query = new URLSearchParams((typedIn(ctx).list ?? '').slice(0, 1000)).toString()
        const to = query === '' ? base : `${base}?${query}`
        return { to, said: desk.text(ctx, 'tokens.isRevoked', { name: token.name }) }
      },
      back: () => base,
    }),
  ]
}
