/** Who asks, as headers for the service. Pure. @module */
import type { Principal } from '@labgate/contract'
import type { GatewayConfig } from './config.ts'

/** Headers by name; what is not known, or has no header in the config, is left out. Of who may not act, nothing is told. */
export function identityHeaders(
  names: GatewayConfig['headers'],
  { account, kind }: Pick<Principal, 'account' | 'kind'>,
): Readonly<Record<string, string>> {
  if (account.state !== 'active') return {}
  const values: Readonly<Record<keyof GatewayConfig['headers'], string | undefined>> = {
    user: account.id,
    username: account.username,
    email: account.emailVerified ? account.email : undefined,
    name: account.displayName,
    groups: account.groups.map((group) => encoded(group).replaceAll(',', '%2C')).join(','),
    kind,
  }
  return Object.fromEntries(
    (Object.keys(values) as (keyof typeof values)[]).flatMap((each) => {
      const [name, value] = [names[each], values[each] ?? '']
      return name === '' || value === '' ? [] : [[name, each === 'groups' ? value : encoded(value)]]
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
