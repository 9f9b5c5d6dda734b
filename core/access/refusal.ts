/** A refusal at sign-in, in words for whoever runs the site. Pure. @module */
import type { AccountState, Json } from '@labgate/contract'
import type { AuditLine } from '../storage/audit.ts'

/** Events that say why somebody did not come in. */
export const signInRefusals: readonly string[] = ['sign-in.refused', 'sign-in.failed']

/** Why somebody did not come in, and what has changed since; nothing for any other event. */
export function signInWords(event: Pick<AuditLine, 'type' | 'detail'>, now: AccountState | undefined): string[] {
  if (!signInRefusals.includes(event.type)) return []
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
