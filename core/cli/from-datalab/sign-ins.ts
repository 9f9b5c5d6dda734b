/** Ways to sign in: who comes in by which, and in which state. @module */
import { formats } from '../../config/formats.ts'
import type { Entry, SecretUse, Tree, Work } from './mapped.ts'
import { treeOf } from './mapped.ts'
import type { Name } from './settings.ts'

/** The sign-ins of a datalab, and the secrets they need. */
export interface SignIns {
  readonly entries: readonly Entry[]
  readonly secrets: readonly SecretUse[]
}

/** Makes the entries. `canMail`: datalab could send links. */
export function signInsOf(work: Work, { canMail }: { readonly canMail: boolean }): SignIns {
  const domains = domainsOf(work)
  const autoAll = work.flag(work.find('AUTO_ACTIVATE_ACCOUNTS')) ?? false
  const needs: Needs = { ...work, canMail, domains, autoAll }
  tellAutoAll(needs)
  const made = [github(needs), orcid(needs), email(needs), google(needs), microsoft(needs)].filter(
    (one) => one !== undefined,
  )
  tellDomains(
    work,
    domains,
    made.map(({ entry }) => entry.id),
  )
  return { entries: made.map(({ entry }) => entry), secrets: made.flatMap(({ secret }) => secret ?? []) }
}

type Domains = readonly string[] | null | undefined

interface Needs extends Work {
  readonly canMail: boolean
  readonly domains: Domains
  readonly autoAll: boolean
}

interface Made {
  readonly entry: Entry
  readonly secret?: SecretUse
}

type State = 'active' | 'pending' | 'refused'

const states: Readonly<Record<State, string>> = {
  active: 'New accounts are active at once',
  pending: 'New accounts wait for an admin',
  refused: 'Nobody new',
}

function tellAutoAll({ note, isSet, autoAll }: Needs): void {
  const about = 'AUTO_ACTIVATE_ACCOUNTS'
  if (!isSet(about)) note('notSet', about, 'as there, nobody is active by this: `admission.state` of each sign-in')
  else if (!autoAll) note('taken', about, '`admission.state` of each sign-in: new accounts wait for an admin')
  else
    note(
      'taken',
      about,
      '`admission.state` of GitHub, ORCID and e-mail, after the lists of who may come; not of Google and Microsoft, where datalab activates nobody',
    )
}

/** Whether accounts are activated, by the provider's own setting or by that of all. `isThere`: whether the sign-in is. */
function autoOf(
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

const nothing = (what: string) => `there is no sign-in for it: ${what} was not set up in what was read`

type Provider = 'GITHUB' | 'ORCID' | 'GOOGLE' | 'MICROSOFT'

interface App {
  readonly clientId: string
  readonly clientSecret: { readonly env: string }
  readonly secret: SecretUse
}

/** Id and secret of an OAuth app; datalab offers a provider only when it has both. */
function appOf(work: Work, provider: Provider, id: string): App | undefined {
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

function entryOf(id: string, use: string, { config, state }: { readonly config: Tree; readonly state: State }): Entry {
  const tree = { use: `@labgate/${use}`, ...(Object.keys(config).length > 0 ? { config } : {}), admission: { state } }
  return { id, comment: `${states[state]}.`, tree }
}

const organizationPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/

/** The list, by what datalab's code does with it: null is anybody, an empty one nobody new, a list its members at once. */
function github(work: Needs): Made | undefined {
  const { find, note, isSet, texts, wrong } = work
  const about = 'GITHUB_ORG_ALLOW_LIST'
  const app = appOf(work, 'GITHUB', 'github')
  const found = find(about)
  const list = texts(found)
  const auto = autoOf(work, { id: 'github', isThere: app !== undefined })
  if (found && list?.some((one) => !organizationPattern.test(one)))
    wrong(found, 'must list organisations by id (better) or name, without address')
  if (found && list && list.length > 50)
    wrong(found, `lists ${list.length} organisations; here 50 fit, so use teams or an organisation above them`)
  if (app === undefined) {
    if (isSet(about) || found) note('decide', about, nothing('github'))
    else note('notSet', about, 'no sign-in `github`')
    return undefined
  }
  const { clientId, clientSecret, secret } = app
  const [state, allow] = githubRule({ list, auto })
  tellGithub(work, { list, isSet: found !== undefined, auto })
  const config = treeOf({ clientId, clientSecret, allow })
  return { entry: entryOf('github', 'auth-github', { config, state }), secret }
}

interface GithubList {
  readonly list: readonly string[] | null | undefined
  readonly auto: boolean
}

function githubRule({ list, auto }: GithubList): readonly [State, Tree | undefined] {
  if (list === null) return [auto ? 'active' : 'pending', { mode: 'anyone' }]
  if (list === undefined || list.length === 0) return ['refused', undefined]
  const organizations = list.map((one) => (/^[1-9][0-9]{0,14}$/.test(one) ? Number(one) : one))
  return ['active', { mode: 'organizations', organizations }]
}

function tellGithub(
  { note }: Work,
  { list, isSet, auto }: { list: readonly string[] | null | undefined; isSet: boolean; auto: boolean },
): void {
  const about = 'GITHUB_ORG_ALLOW_LIST'
  const opened = auto ? '; datalab let everybody in all the same, because accounts are activated: that was a fault' : ''
  if (!isSet)
    note(
      'decide',
      about,
      `not set, so nobody new comes in by GitHub, as with datalab’s default []; for anybody set plugins.github.admission.state to pending${opened}`,
    )
  else if (list === null)
    note(
      'taken',
      about,
      `null: plugins.github.config.allow, anybody with an account, ${auto ? 'active at once' : 'waiting for an admin'}. datalab’s guide says the reverse of its code; this is the code`,
    )
  else if (list?.length === 0)
    note('taken', about, `[]: plugins.github.admission.state is refused, nobody new${opened}`)
  else note('taken', about, 'plugins.github.config.allow: members are active at once, and who leaves stays out')
}

function orcid(work: Needs): Made | undefined {
  const { find, note, isSet } = work
  const app = appOf(work, 'ORCID', 'orcid')
  const auto = autoOf(work, { id: 'orcid', isThere: app !== undefined })
  const about = 'OAUTH_ORCID_SANDBOX'
  // Any text switches it on there, "false" too.
  const sandbox = isSet(about)
  if (!sandbox) note('notSet', about, 'the real ORCID')
  else if (app === undefined) note('decide', about, nothing('orcid'))
  else if (/^(false|0|no|off)$/i.test(String(find(about)?.value)))
    note(
      'decide',
      about,
      'plugins.orcid.config.sandbox is true, because any text switches it on in datalab; if false was meant, take it out',
    )
  else note('taken', about, 'plugins.orcid.config.sandbox')
  if (app === undefined) return undefined
  const { clientId, clientSecret, secret } = app
  const config = treeOf({ clientId, clientSecret, sandbox: sandbox || undefined })
  return { entry: entryOf('orcid', 'auth-orcid', { config, state: auto ? 'active' : 'pending' }), secret }
}

function domainsOf({ texts, find, wrong }: Work): Domains {
  const found = find('EMAIL_DOMAIN_ALLOW_LIST')
  const list = texts(found)
  const isDomain = (text: string) => /^[^*]{3,}$/.test(text) && formats.domain?.accepts(text) === true
  if (found && list?.some((one) => !isDomain(one)))
    wrong(found, 'must list domains such as "example.org", without @ and *; subdomains are meant, too')
  return list?.map((domain) => domain.toLowerCase()) ?? list
}

const withSubdomains = (domains: readonly string[]) => domains.flatMap((domain) => [domain, `*.${domain}`])

function tellDomains({ note }: Work, domains: Domains, ids: readonly string[]): void {
  const about = 'EMAIL_DOMAIN_ALLOW_LIST'
  const users = ['email', 'google'].filter((id) => ids.includes(id))
  const where = users
    .map((id) => (id === 'email' ? 'plugins.email.config.domains' : 'plugins.google.admission.allow'))
    .join(', ')
  if (domains === undefined) note('notSet', about, 'as there, nobody new comes in by e-mail or Google')
  else if (users.length === 0) note('decide', about, nothing('email'))
  else if (domains === null) note('taken', about, `null: any address at plugins.${users.join(', plugins.')}`)
  else if (domains.length === 0)
    note('taken', about, `[]: ${users.map((id) => `plugins.${id}.admission.state`).join(', ')} is refused, nobody new`)
  else note('taken', about, `${where}: these domains and those below them, at every sign-in`)
}

function email(work: Needs): Made | undefined {
  const { find, note, isSet, flag, canMail, domains } = work
  const isOff = flag(find('DISABLE_MAGIC_LINK_AUTH')) ?? false
  const auto = autoOf(work, { id: 'email', isThere: canMail })
  if (!isSet('DISABLE_MAGIC_LINK_AUTH'))
    note('notSet', 'DISABLE_MAGIC_LINK_AUTH', canMail ? 'links are sent' : 'no links, because no mail can be sent')
  else
    note(
      'taken',
      'DISABLE_MAGIC_LINK_AUTH',
      `plugins.datalab.config.magicLinks turned round${isOff ? ', and plugins.email.enabled' : ''}`,
    )
  if (!canMail) return undefined
  const isOpen = domains === null && auto
  const state = domains === undefined || domains?.length === 0 ? 'refused' : isOpen ? 'active' : 'pending'
  if (auto && domains != null && domains.length > 0)
    note(
      'decide',
      'EMAIL_DOMAIN_ALLOW_LIST',
      'new accounts wait for an admin, although they are to be activated: with a list datalab activates nobody by e-mail; else set plugins.email.admission.state to active',
    )
  const config = domains == null || domains.length === 0 ? {} : { domains: withSubdomains(domains) }
  const entry = entryOf('email', 'auth-email', { config, state })
  return { entry: isOff ? { ...entry, tree: { ...entry.tree, enabled: false } } : entry }
}

function google({ domains, ...work }: Needs): Made | undefined {
  const app = appOf(work, 'GOOGLE', 'google')
  if (app === undefined) return undefined
  const { clientId, clientSecret, secret } = app
  const isClosed = domains === undefined || domains?.length === 0
  const entry = entryOf('google', 'auth-google', {
    config: { clientId, clientSecret },
    state: isClosed ? 'refused' : 'pending',
  })
  if (domains == null || isClosed) return { entry, secret }
  const admission = { allow: { domains: withSubdomains(domains) }, state: 'pending' }
  return { entry: { ...entry, tree: { ...entry.tree, admission } }, secret }
}

function tellMicrosoft({ note }: Work): void {
  const why = 'the entry `microsoft` is a comment until your tenant’s id is in its issuer'
  note('decide', 'MICROSOFT_OAUTH_CLIENT_ID', `${why}; datalab takes any tenant’s word for an address`)
  note('decide', 'MICROSOFT_OAUTH_CLIENT_SECRET', 'the same; it is in the new .env')
}

/** datalab asks Microsoft about anybody of any tenant; here the issuer names one, which nothing in datalab does. */
function microsoft({ domains, ...work }: Needs): Made | undefined {
  const app = appOf(work, 'MICROSOFT', 'microsoft')
  if (app === undefined) return undefined
  const { clientId, clientSecret, secret } = app
  const issuer = 'https://login.microsoftonline.com/YOUR-TENANT-ID/v2.0'
  const config = { issuer, clientId, clientSecret, label: 'Microsoft' }
  const isClosed = domains === undefined || domains?.length === 0
  const entry = entryOf('microsoft', 'auth-oidc', { config, state: isClosed ? 'refused' : 'pending' })
  return { entry: { ...entry, gap: ['Put your tenant’s id into the issuer: it decides who comes in.'] }, secret }
}
