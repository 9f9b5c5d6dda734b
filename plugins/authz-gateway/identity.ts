/** Who asks, as headers for the service. Pure. @module */
import type { Principal } from '@labgate/contract'
import type { GatewayConfig } from './config.ts'

/** Headers by name; what is not known, or has no header in the config, is left out. Of who may not act, nothing is told. */
export function identityHeaders(
  names: GatewayConfig['headers'],
  { account, kind }: Pick<Principal, 'account' | 'kind'>,
): Readonly<Record<string, string>> {
  if (account.state !== 'active') return {}
  const groups = account.groups.map((group) => encoded(group).replaceAll(',', '%2C'))
  const values: Readonly<Record<keyof GatewayConfig['headers'], string>> = {
    user: encoded(account.id),
    username: encoded(account.username),
    email: account.emailVerified ? encoded(account.email ?? '') : '',
    name: encoded(account.displayName),
    groups: groups.filter((group) => group !== '').join(','),
    kind,
  }
  return Object.fromEntries(
    (Object.keys(values) as (keyof typeof values)[]).flatMap((each) => {
      const [name, value] = [names[each], values[each]]
      return name === '' || value === '' ? [] : [[name, value]]
    }),
  )
}

/** A header carries visible ASCII; everything else, and `%` itself, is percent-encoded UTF-8. */
function encoded(value: string): string {
  return value
    .toWellFormed()
    .trim()
    .replaceAll(/[^\x20-\x7e]+|%/gu, (part) => (part === '%' ? '%25' : encodeURIComponent(part)))
}
