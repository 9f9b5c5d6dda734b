/** The forms and pages of this sign-in, as data. @module */
import type { Card, Form, Page, Refusal } from '@labgate/contract'
import type { Context } from './config.ts'
import { retryAfterSeconds } from './limits.ts'

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#3b6ea5" stroke-width="1.8" ' +
  'stroke-linejoin="round" stroke-linecap="round"><rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m4 7 8 6 8-6"/></svg>'

// Refusals that end with the hour; any other try can begin at once.
const hourly = ['no.mails', 'no.guesses']

/** Buttons beside the code form: the value of its field `step`. */
export const steps = { resend: 'resend', address: 'address' } as const

/** Words to a person, in one language. */
export interface Pages {
  card(): Card
  address(options?: { readonly value?: string | undefined; readonly error?: string }): Form
  code(address: string, options?: { readonly error?: string; readonly again?: string }): Form
  visitHere(address: string): Page
  visitElsewhere(): Page
  visitOver(): Page
  no(reason: Refusal['reason'], key: string): { readonly no: Refusal }
}

/** Everything this sign-in shows, in `locale`. */
export function pagesIn(context: Context, locale: string): Pages {
  const { siteName: site, config } = context
  const say = (key: string, values: Readonly<Record<string, string | number>> = {}) =>
    context.text(key, { site, minutes: Math.ceil(config.codeLifetime / 60), ...values }, locale)
  return {
    card: () => ({
      label: say('card.label'),
      name: say('card.name'),
      hint: say('card.hint'),
      icon,
      // Before the plain buttons: fields in their midst would tear them apart.
      order: 50,
      form: addressForm(say, {}),
    }),
    address: (options = {}) => addressForm(say, options),
    code: (address, options = {}) => codeForm(say, address, options),
    visitHere: (address) => ({
      title: say('visit.here.title'),
      text: [say('visit.here.text', { address })],
      form: { fields: [], submit: say('visit.here.submit') },
    }),
    visitElsewhere: () => ({
      title: say('visit.elsewhere.title'),
      text: [say('visit.elsewhere.text'), say('visit.elsewhere.warning')],
      tone: 'info',
    }),
    visitOver: () => ({ title: say('visit.over.title'), text: [say('visit.over.text')], tone: 'warning' }),
    no: (reason, key) => ({
      no: { reason, message: say(key), ...(hourly.includes(key) ? { retryAfterSeconds } : {}) },
    }),
  }
}

type Say = (key: string, values?: Readonly<Record<string, string | number>>) => string

function addressForm(
  say: Say,
  { value, error }: { readonly value?: string | undefined; readonly error?: string },
): Form {
  return {
    title: say('address.title'),
    fields: [
      {
        name: 'email',
        label: say('address.label'),
        type: 'email',
        required: true,
        maxLength: 254,
        autocomplete: 'email',
        ...(value ? { value } : {}),
      },
    ],
    submit: say('address.submit'),
    ...(error ? { error } : {}),
  }
}

function codeForm(
  say: Say,
  address: string,
  { error, again }: { readonly error?: string; readonly again?: string },
): Form {
  return {
    title: say('code.title'),
    intro: [again ?? say('code.sent', { address }), say('code.hint')],
    fields: [
      {
        name: 'code',
        label: say('code.label'),
        type: 'code',
        required: true,
        maxLength: 12,
        autocomplete: 'one-time-code',
      },
    ],
    submit: say('code.submit'),
    also: [
      { label: say('code.resend'), name: 'step', value: steps.resend },
      { label: say('code.change'), name: 'step', value: steps.address },
    ],
    ...(error ? { error } : {}),
  }
}
