/** What the sign-ins of a datalab have in common: an app that is registered, and the state in which accounts begin. @module */
import type { Entry, SecretUse, Tree, Work } from './mapped.ts'
import type { Name } from './settings.ts'

/** The list of domains that may come in: `null` is any. */
export type Domains = readonly string[] | null | undefined

/** What each sign-in is made from. */
export interface Needs extends Work {
  readonly canMail: boolean
  readonly domains: Domains
  readonly autoAll: boolean
}

/** An entry, and the secret it needs. */
export interface Made {
  readonly entry: Entry
  readonly secret?: SecretUse
}

/** How a new account begins. */
export type State = 'active' | 'pending' | 'refused'

const states: Readonly<Record<State, string>> = {
  active: 'New accounts are active at once',
  pending: 'New accounts wait for an admin',
  refused: 'Nobody new',
}

/** Whether accounts are activated, by the provider's own setting or by that of all. `isThere`: whether the sign-in is. */
export function autoOf(
  needs: Needs,
  { id, isThere }: { readonly id: 'github' | 'orcid' | 'email'; readonly isThere: boolean },
): boolean {
  const about = autoNames[id]
  const value = needs.flag(needs.find(about)) ?? false
  if (!needs.isSet(about)) needs.note('notSet', about, 'as there, new accounts wait for an admin')
  else if (isThere) needs.note('taken', about, `plugins.${id}.admission.state`)
  else needs.note('decide', about, nothing(id))
  return value || needs.autoAll
}

const autoNames = {
  github: 'GITHUB_AUTO_ACTIVATE_ACCOUNTS',
  orcid: 'ORCID_AUTO_ACTIVATE_ACCOUNTS',
  email: 'EMAIL_AUTO_ACTIVATE_ACCOUNTS',
} as const

/** Said of a setting that hangs on a sign-in that is not there. */
export const nothing = (what: string) => `there is no sign-in for it: ${what} was not set up in what was read`

type Provider = 'GITHUB' | 'ORCID' | 'GOOGLE' | 'MICROSOFT'

interface App {
  readonly clientId: string
  readonly clientSecret: { readonly env: string }
  readonly secret: SecretUse
}

/** Id and secret of an OAuth app; datalab offers a provider only when it has both. */
export function appOf(work: Work, provider: Provider, id: string): App | undefined {
  const names: readonly [Name, Name] = [`${provider}_OAUTH_CLIENT_ID`, `${provider}_OAUTH_CLIENT_SECRET`]
  const clientId = work.text(work.find(names[0]))
  const value = work.secret(names[1])
  if (clientId === undefined && value === undefined) {
    for (const name of names) work.note('notSet', name, `no sign-in \`${id}\``)
    return undefined
  }
  if (clientId === undefined || value === undefined) {
    for (const name of names)
      work.note(
        'decide',
        name,
        work.isSet(name) ? `without its other half there is no sign-in \`${id}\`, as in datalab` : 'is missing',
      )
    return undefined
  }
  if (provider === 'MICROSOFT') tellMicrosoft(work)
  else {
    const register = 'register our redirect URI there, too: `labgate check --redirect-uris`'
    work.note('taken', names[0], `plugins.${id}.config.clientId; ${register}`)
    work.note('taken', names[1], `plugins.${id}.config.clientSecret refers to the variable of the same name`)
  }
  return {
    clientId,
    clientSecret: { env: names[1] },
    secret: { name: names[1], value, why: `Of the app registered at ${id}.` },
  }
}

/** An entry of `plugins`. */
export function entryOf(
  id: string,
  use: string,
  { config, state }: { readonly config: Tree; readonly state: State },
): Entry {
  const tree = { use: `@labgate/${use}`, ...(Object.keys(config).length > 0 ? { config } : {}), admission: { state } }
  return { id, comment: `${states[state]}.`, tree }
}

function tellMicrosoft({ note }: Work): void {
  const why = 'the entry `microsoft` is a comment until your tenant’s id is in its issuer'
  note('decide', 'MICROSOFT_OAUTH_CLIENT_ID', `${why}; datalab takes any tenant’s word for an address`)
  note('decide', 'MICROSOFT_OAUTH_CLIENT_SECRET', 'the same; it is in the new .env')
}
