/** Tokens of the person at hand: made for programs, made at a sign-in, listed and ended. @module */
import type { Handler, Json, RouteAsk, RouteReply, TokenView } from '@labgate/contract'
import { json, words } from './answers.ts'
import { tokenCookies } from './browsers.ts'
import type { CaveContext } from './config.ts'
import { caveScope } from './routes.ts'

/** What the token of a sign-in is called; the origin that was given it follows. */
const signInName = 'CAVE sign-in'
/** Of each person so many live at once; the oldest make room. */
const mostSignIns = 20

/** Makes the token that a viewer or service is given at a sign-in. */
export async function signInToken({ tokens, config }: CaveContext, ask: RouteAsk, origin: string): Promise<string> {
  const before = (await tokens.list(ask)).filter(isSignIn)
  for (const { id } of before.slice(mostSignIns - 1)) await tokens.revoke(ask, id)
  const name = `${signInName} (${origin})`.slice(0, 100)
  return (await tokens.make(ask, { name, scopes: [caveScope], lifeSeconds: config.signInDays * 86_400 })).value
}

/** Handlers of tokens. */
export function tokenHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  return { ...keys(context), ...ends(context) }
}

async function ownOf({ tokens }: CaveContext, ask: RouteAsk): Promise<readonly TokenView[]> {
  return (await tokens.list(ask)).filter(({ scopes }) => scopes.includes(caveScope))
}

function keys(context: CaveContext): Readonly<Record<string, Handler>> {
  const { tokens, clock, text } = context
  const make = async (ask: RouteAsk, name = 'CAVE'): Promise<string> =>
    (await tokens.make(ask, { name, scopes: [caveScope] })).value
  return {
    tokens: async (ask) => json((await ownOf(context, ask)).map((one) => listed(one, ask))),
    async newToken(ask) {
      return json(await make(ask, descriptionIn(ask.body)))
    },
    async endToken(ask) {
      const found = (await ownOf(context, ask)).some(({ id }) => id === ask.params.token)
      if (!found || !(await tokens.revoke(ask, ask.params.token ?? ''))) return words(404, "Token doesn't exist")
      return json('success')
    },
    async life(ask) {
      const found = await tokens.find(ask, ask.params.token ?? '')
      if (!found)
        return json(
          {
            error: 'invalid_token',
            // Spelled so by middle_auth.
            message: 'Token does not exist or is not asociated with your account.',
          },
          404,
        )
      if (found.expiresAt === undefined) return json(-1)
      return json(Math.ceil((found.expiresAt.getTime() - clock.now().getTime()) / 1000))
    },
    // By its header a program means it; a browser may have been led here, so that its person is asked.
    askToken: async (ask) => (byBrowser(ask) ? page(context, ask, 'make') : json(await make(ask))),
    async createToken(ask) {
      if (!byBrowser(ask)) return json(await make(ask))
      const value = await make(ask)
      return {
        status: 200,
        page: {
          title: text('madeTitle', {}, ask.locale),
          text: [text('madeText', {}, ask.locale), value],
          tone: 'success',
        },
      }
    },
    async refresh(ask) {
      const keys = (await ownOf(context, ask)).filter((one) => !isSignIn(one))
      if (keys.length > 1) return words(400, 'Refresh token does not work for accounts with more than one API Key')
      const value = await make(ask)
      for (const { id } of keys) await tokens.revoke(ask, id)
      return json(value)
    },
  }
}

function ends(context: CaveContext): Readonly<Record<string, Handler>> {
  const { tokens } = context
  const endSignIns = async (ask: RouteAsk): Promise<void> => {
    for (const { id } of (await ownOf(context, ask)).filter(isSignIn)) await tokens.revoke(ask, id)
  }
  const logout: Handler = async (ask) => {
    const current = (await ownOf(context, ask)).find(({ id }) => id === ask.principal?.tokenId)
    if (!current || !isSignIn(current)) return words(422, "Can't logout an API Key.")
    await tokens.revoke(ask, current.id)
    return json('success')
  }
  const logoutAll: Handler = async (ask) => {
    await endSignIns(ask)
    if (!byBrowser(ask)) return json('success')
    return { ...page(context, ask, 'done'), cookies: tokenCookies(context, undefined) }
  }
  return {
    logout: async (ask) => (byBrowser(ask) ? page(context, ask, 'out') : logout(ask)),
    logoutNow: async (ask) => (byBrowser(ask) ? logoutAll(ask) : logout(ask)),
    logoutAll: async (ask) => (byBrowser(ask) ? page(context, ask, 'out') : logoutAll(ask)),
    logoutAllNow: logoutAll,
  }
}

function byBrowser({ principal }: RouteAsk): boolean {
  return principal?.via === 'session'
}

function isSignIn({ name }: TokenView): boolean {
  return name.startsWith(signInName)
}

function page({ text }: CaveContext, { locale }: RouteAsk, which: 'make' | 'out' | 'done'): RouteReply {
  const say = (key: string) => text(key, {}, locale)
  if (which === 'done') return { status: 200, page: { title: say('doneTitle'), text: [say('done')], tone: 'success' } }
  const form = { fields: [], submit: say(which) }
  return { status: 200, page: { title: say(`${which}Title`), text: [say(`${which}Text`)], form } }
}

/** The value is known to nobody but its holder: its first characters stand in for it. */
function listed({ id, name, hint, createdAt, lastUsedAt }: TokenView, { principal }: RouteAsk): Json {
  return {
    id,
    user_id: principal?.account.numericId ?? 0,
    token: `${hint}…`,
    description: name,
    created: createdAt.toUTCString(),
    updated: createdAt.toUTCString(),
    last_used: lastUsedAt?.toUTCString() ?? null,
  }
}

function descriptionIn(body: Uint8Array): string | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body))
    const { description } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as { description?: unknown }
    return typeof description === 'string' && description.trim() !== '' ? description.trim().slice(0, 100) : undefined
  } catch {
    // No body at all is no mistake here.
    return undefined
  }
}
