/** Ways to sign in: who comes in by which, and in which state. @module */
import { formats } from '../../config/formats.ts'
import { github } from './github.ts'
import { type Entry, type SecretUse, treeOf, type Work } from './mapped.ts'
import { appOf, autoOf, type Domains, entryOf, type Made, type Needs, nothing } from './provider.ts'

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
