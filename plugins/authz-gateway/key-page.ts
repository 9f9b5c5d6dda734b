/** The page on which a person enters their own key of the service, and the same for programs. @module */
import { Fault, type Form, type Handler, type RouteAsk, type RouteReply } from '@labgate/contract'
import { backOf, titleOf } from './asked.ts'
import type { GatewayContext } from './config.ts'
import { isKey, type KeptKey, type Keys } from './keys.ts'

/** Handlers of `/key`. */
export function keyHandlers(
  context: GatewayContext,
  keys: Keys | undefined,
): Readonly<Record<'key' | 'keepKey', Handler>> {
  return {
    async key(ask) {
      return keys ? page(context, { ask, kept: await keys.find(accountOf(ask)) }) : noKey(context, ask)
    },
    async keepKey(ask) {
      if (!keys) return noKey(context, ask)
      const isProgram = ask.principal?.via === 'token'
      const typed = isProgram ? typedByProgram(ask.body) : typedInForm(ask.body)
      if (typed === 'remove') await keys.remove(accountOf(ask))
      else if (isKey(typed)) await keys.keep(accountOf(ask), typed)
      else if (isProgram) throw new Fault('ERR_INPUT', words(context, ask, 'keyWrong'))
      else return page(context, { ask, kept: await keys.find(accountOf(ask)), error: words(context, ask, 'keyWrong') })
      context.log.info({ account: accountOf(ask) }, typed === 'remove' ? 'a key was removed' : 'a key was kept')
      return isProgram ? { status: 204 } : done(context, ask, typed === 'remove' ? 'keyGone' : 'keyDone')
    },
  }
}

function accountOf({ principal }: RouteAsk): string {
  if (!principal) throw new TypeError('the guard lets nobody in without a principal')
  return principal.account.id
}

type TextKey = Parameters<GatewayContext['text']>[0]

function words(context: GatewayContext, { locale }: RouteAsk, key: TextKey, more: Record<string, string> = {}): string {
  return context.text(key, { service: titleOf(context), ...more }, locale)
}

interface Shown {
  readonly ask: RouteAsk
  readonly kept: KeptKey | undefined
  readonly error?: string
}

function page(context: GatewayContext, { ask, kept, error }: Shown): RouteReply {
  const day = (at: Date) => at.toISOString().slice(0, 10)
  const help = context.config.key?.help ?? ''
  const form: Form = {
    fields: [
      {
        ...({ name: 'key', type: 'password', label: words(context, ask, 'keyField'), autocomplete: 'off' } as const),
        ...(help === '' ? {} : { hint: help }),
        ...{ maxLength: 1024, required: kept === undefined },
      },
    ],
    submit: words(context, ask, kept ? 'keyReplace' : 'keyKeep'),
    ...(kept ? { also: [{ label: words(context, ask, 'keyRemove'), name: 'remove', value: 'yes' }] } : {}),
    ...(error === undefined ? {} : { error }),
  }
  const text = [
    words(context, ask, 'keyText'),
    ...(kept ? [words(context, ask, 'keyKept', { since: day(kept.since), until: day(kept.until) })] : []),
  ]
  return { status: error === undefined ? 200 : 400, page: { title: words(context, ask, 'keyTitle'), text, form } }
}

function done(context: GatewayContext, ask: RouteAsk, said: 'keyDone' | 'keyGone'): RouteReply {
  const back = backOf(context, ask.url.searchParams.get('back'))
  if (said === 'keyDone' && back !== undefined)
    return { status: 303, headers: { Location: new URL(back, context.url('/')).href } }
  const title = words(context, ask, 'keyTitle')
  return { status: 200, page: { title, text: [words(context, ask, said)], tone: 'success' } }
}

function noKey(context: GatewayContext, ask: RouteAsk): RouteReply {
  throw new Fault('ERR_NOT_FOUND', words(context, ask, 'noKey'))
}

function typedInForm(body: Uint8Array): string | 'remove' {
  const form = new URLSearchParams(new TextDecoder().decode(body))
  return form.get('remove') === 'yes' ? 'remove' : (form.get('key') ?? '').trim()
}

/** `{ "key": "…" }`; `null` removes it. */
function typedByProgram(body: Uint8Array): string | 'remove' {
  try {
    const { key } = JSON.parse(new TextDecoder().decode(body)) as { key?: unknown }
    return key === null ? 'remove' : String(key ?? '')
  } catch {
    // What is no JSON holds no key; the caller says so.
    return ''
  }
}
