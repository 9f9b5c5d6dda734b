/** The pages of the device flow in our words and looks. @module */
import type { Context } from 'koa'
import { createLanguageChoice } from '../http/language.ts'
import { returnPath } from '../http/returns.ts'
import { deviceText } from '../pages/device.ts'
import type { Pages } from '../pages/pages.ts'
import { type DeviceViews, devicePath } from './device.ts'
import { nonceOf } from './views.ts'

/** Makes them. */
export function deviceViews({ pages, issuer }: { readonly pages: Pages; readonly issuer: string }): DeviceViews {
  const language = createLanguageChoice(pages.texts, issuer)
  const around = (ctx: Context) => ({
    ...{ locale: language.of(ctx.req.headers), nonce: nonceOf(ctx) },
    here: ctx.method === 'GET' ? returnPath(ctx.originalUrl, issuer) : undefined,
  })
  const text = (ctx: Context, key: string, values: Readonly<Record<string, string>> = {}) =>
    pages.texts.in(around(ctx).locale)(key, values)
  const html = (ctx: Context, body: string): void => {
    ctx.type = 'html'
    ctx.body = body
  }
  const post = (fields: Readonly<Record<string, string>>) => ({ action: devicePath, csrf: '', fields })
  const say = (ctx: Context, said: { title: string; text: string; tone: 'success' | 'info' | 'warning' }) => {
    const link = { label: text(ctx, 'device.account'), href: '/account' }
    html(ctx, pages.render('message', { ...said, text: [said.text], link }, around(ctx)))
  }
  return {
    code(ctx, { xsrf, code, trouble }) {
      const error = trouble ? text(ctx, 'device.trouble') : undefined
      html(ctx, pages.render('device', { ...post({ xsrf }), code, error }, around(ctx)))
    },
    confirm(ctx, { xsrf, code, client, account, place }) {
      const data = {
        code,
        client,
        account,
        place: { address: place.address, device: deviceText(place.userAgent) },
        allow: post({ xsrf, user_code: code, confirm: 'yes' }),
        decline: post({ xsrf, user_code: code, abort: 'yes' }),
      }
      html(ctx, pages.render('device-confirm', data, around(ctx)))
    },
    done: (ctx, client) =>
      say(ctx, {
        title: text(ctx, 'device.done.title'),
        text: text(ctx, 'device.done.text', { client }),
        tone: 'success',
      }),
    declined: (ctx) =>
      say(ctx, { title: text(ctx, 'device.declined.title'), text: text(ctx, 'device.declined.text'), tone: 'info' }),
    tooOften(ctx) {
      ctx.status = 429
      say(ctx, { title: text(ctx, 'device.tooOften.title'), text: text(ctx, 'device.tooOften.text'), tone: 'warning' })
    },
  }
}
