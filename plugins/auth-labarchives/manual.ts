/** The manual path: an e-mail address and a one-hour code, typed on a page of ours. @module */
import type { Form } from '@labgate/contract'
import type { Context } from './config.ts'

const longest = { email: 254, code: 256 }

/** What was typed. */
export interface Typed {
  readonly email: string
  readonly code: string
}

/** The form, with what was wrong with the last try. */
export function manualForm(
  context: Context,
  options: { readonly locale: string; readonly email?: string | undefined; readonly error?: string },
): Form {
  const { email, error, locale } = options
  const say = (key: string) => context.text(key, { name: context.config.label }, locale)
  return {
    title: say('manual.title'),
    intro: [say('manual.where'), say('manual.never')],
    fields: [
      {
        name: 'email',
        label: say('manual.email'),
        type: 'email',
        required: true,
        maxLength: longest.email,
        autocomplete: 'email',
        ...(email ? { value: email.slice(0, longest.email) } : {}),
      },
      {
        name: 'code',
        label: say('manual.code'),
        type: 'password',
        required: true,
        maxLength: longest.code,
        // A password manager would offer the very password that must not be typed here.
        autocomplete: 'one-time-code',
      },
    ],
    submit: say('manual.submit'),
    ...(error === undefined ? {} : { error }),
  }
}

/** Reads the form; `undefined` when something is missing or too long to be right. */
export function typedIn(body: URLSearchParams): Typed | undefined {
  return soundPair(body.get('email')?.trim(), body.get('code')?.trim())
}

/** Reads the address that the sign-in page of LabArchives sends back to; `undefined` unless each is there once. */
export function broughtBy(url: URL): Typed | undefined {
  const once = (name: string) => {
    const [value, second] = url.searchParams.getAll(name)
    return second === undefined ? value : undefined
  }
  return soundPair(once('email'), once('auth_code'))
}

function soundPair(email: string | undefined, code: string | undefined): Typed | undefined {
  if (!email || !code || email.length > longest.email || code.length > longest.code) return undefined
  return { email, code }
}
