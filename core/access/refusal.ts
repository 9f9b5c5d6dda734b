/** Refusals that are about no dataset, at sign-in and before a dialect's handler, in words for whoever runs the site. Pure. @module */
import type { AccountState, Json } from '@labgate/contract'
import type { AuditLine } from '../storage/audit.ts'

/** Why somebody did not come in or on, and what has changed since; nothing for any other event. */
export function refusalWords(event: Pick<AuditLine, 'type' | 'detail'>, now: AccountState | undefined): string[] {
  const { dataset, service, why } = (event.detail ?? {}) as { readonly [name: string]: Json }
  if (event.type === 'sign-in.refused' || event.type === 'sign-in.failed') return signInWords(event, now)
  return event.type === 'access.refused' && typeof dataset !== 'string' ? [doorWords(String(service), why)] : []
}

function doorWords(service: string, why: Json | undefined): string {
  switch (why) {
    case 'terms':
      return `Terms of use of ${service} had to be accepted first.`
    case 'questions':
      return `Questions of \`profile\` had to be answered before ${service}.`
    case 'scope':
      return `The token lacked a scope that ${service} asks for.`
    default:
      return `${service} refused it, and named no dataset.`
  }
}

function signInWords(event: Pick<AuditLine, 'type' | 'detail'>, now: AccountState | undefined): string[] {
  const { instance, rule, why, message } = (event.detail ?? {}) as { readonly [name: string]: Json }
  const by = typeof instance === 'string' ? instance : 'the sign-in'
  if (event.type === 'sign-in.failed')
    return [`The sign-in by ${by} could not be finished${typeof message === 'string' ? `: ${message}` : '.'}`]
  switch (rule) {
    case undefined:
      return [`The account was ${String(why)}.`, now === undefined ? 'It is gone now.' : `It is ${now} now.`]
    case 'admission':
      return [`The sign-in by ${by} worked, but \`plugins.${by}.admission\` lets in only: ${String(why)}.`]
    case 'invitation':
      return [`The sign-in by ${by} worked, but the invitation is for another e-mail address than those it proves.`]
    default:
      return [`The sign-in by ${by} worked, but \`registration\` makes no new accounts.`]
  }
}
