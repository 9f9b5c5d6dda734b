/** The allow list of addresses: read once from the config, good for as long as the instance lives. @module */
import { Fault, parseAddress } from '@labgate/contract'
import type { Auth0Config } from './config.ts'

/** The addresses that may sign in, in lower case; `undefined`: no list. @throws Fault ERR_CONFIG (no address, or both spellings) */
export function allowedEmails(
  config: Pick<Auth0Config, 'emails' | 'authorizedEmails'>,
): ReadonlySet<string> | undefined {
  const { emails, authorizedEmails } = config
  if (emails !== undefined && authorizedEmails !== undefined) {
    throw new Fault('ERR_CONFIG', 'auth-auth0: set either `emails` or `authorizedEmails`, not both')
  }
  const list = emails ?? authorizedEmails?.split(',')
  return list === undefined ? undefined : new Set(list.filter((one) => one.trim() !== '').map(addressOf))
}

function addressOf(text: string): string {
  const address = parseAddress(text.trim())?.address.toLowerCase()
  if (address !== undefined) return address
  throw new Fault('ERR_CONFIG', `auth-auth0: "${text.trim()}" in the allow list is no e-mail address`)
}
