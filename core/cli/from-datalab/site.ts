/** The site, its sessions and the datalab itself. @module */
import { type Entry, type Tree, treeOf, type Work } from './mapped.ts'
import type { Notes } from './notes.ts'
import { remotesOf } from './remotes.ts'
import type { Found } from './settings.ts'

/** Sections of the new config beside mail and plugins. */
export interface Sections {
  readonly proxies: readonly string[] | undefined
  readonly log: Tree | undefined
  readonly session: Tree | undefined
  readonly branding: Tree | undefined
}

/** Reads the settings of the site. */
export function sectionsOf(work: Work): Sections {
  const { find, flag, note, isSet } = work
  const isBehind = flag(find('BEHIND_REVERSE_PROXY')) ?? false
  if (!isSet('BEHIND_REVERSE_PROXY')) note('notSet', 'BEHIND_REVERSE_PROXY', 'as there, no proxy is believed')
  else if (isBehind)
    note(
      'decide',
      'BEHIND_REVERSE_PROXY',
      '`proxies` is 127.0.0.1: put the address there that your reverse proxy comes from',
    )
  else note('taken', 'BEHIND_REVERSE_PROXY', '`proxies` is empty')
  const debug = flag(find('DEBUG'))
  if (debug === undefined) note('notSet', 'DEBUG', 'log.level is info; datalab’s default is debug')
  else note('taken', 'DEBUG', debug ? 'log.level' : 'log.level stays info')
  return {
    proxies: isBehind ? ['127.0.0.1'] : undefined,
    log: debug ? { level: 'debug' } : undefined,
    session: sessionOf(work),
    branding: brandingOf(work),
  }
}

function sessionOf({ find, whole, note }: Work): Tree | undefined {
  const hours = whole(find('SESSION_LIFETIME'), { least: 1, most: 100_000 })
  if (hours === undefined) {
    note(
      'notSet',
      'SESSION_LIFETIME',
      '`session` keeps our 12h without a request and 24h in all; datalab’s default is 168h',
    )
    return undefined
  }
  note('taken', 'SESSION_LIFETIME', '`session`, idle and max')
  return { idle: `${hours}h`, max: `${hours}h` }
}

/** One link where people may need help: to the maintainer, or else to where faults are reported. */
function brandingOf(work: Work): Tree | undefined {
  const metadata = work.tree(work.find('DEPLOYMENT_METADATA'))
  if (metadata === undefined) return undefined
  // Mistakes in these are told where the datalab's entry is made.
  const email = metadata.within('maintainer').within('contact_email').value
  const tracker = metadata.within('issue_tracker').value
  if (typeof email === 'string' && isAddress(email)) return { support: `mailto:${email.trim()}` }
  return typeof tracker === 'string' && /^https:\/\/[^\s"<>]+$/.test(tracker) ? { support: tracker } : undefined
}

const isAddress = (text: string) =>
  text.trim().length <= 254 && /^[^\s@<>"?&%]+@[^\s@<>"?&%]+\.[^\s@<>"?&%]+$/.test(text.trim())

/** What the entry of the datalab depends on. */
export interface DatalabNeeds {
  /** Where listings and copies of remote file systems go; absolute. */
  readonly cacheFolder: string
  /** Whether there is a sign-in by e-mail. */
  readonly hasEmail: boolean
}

/** The entry of the datalab: a comment as long as something is missing that only a person knows. */
export function datalabOf(work: Work, { cacheFolder, hasEmail }: DatalabNeeds): Entry {
  const { find, url, note } = work
  const gap: string[] = []
  const appUrl = url(find('APP_URL'))
  if (appUrl !== undefined) note('taken', 'APP_URL', 'plugins.datalab.config.appUrl')
  else {
    gap.push('appUrl: where the web application is. Every sign-in ends there.')
    note('decide', 'APP_URL', 'is not set: the entry `datalab` is a comment until its appUrl is there')
  }
  const identifierPrefix = prefixOf(work)
  if (identifierPrefix === undefined) gap.push('identifierPrefix: what refcodes begin with, 2 to 10 small letters.')
  const isOff = work.flag(find('DISABLE_MAGIC_LINK_AUTH')) ?? false
  const remotes = remotesOf(work, cacheFolder)
  const config = treeOf({
    identifierPrefix: identifierPrefix ?? 'YOUR-PREFIX',
    appUrl: appUrl ?? 'https://YOUR-APPLICATION',
    deployment: deploymentOf(work),
    maxUploadBytes: uploadOf(work),
    magicLinks: isOff || !hasEmail ? false : undefined,
    remotes: remotes.tree,
  })
  const tree = { use: '@labgate/authz-datalab', prefix: rootOf(work), config }
  const comment =
    'What the client and the web application of datalab ask: docs/datalab.md. A host of its own (`host:`) may stand in the place of `prefix`.'
  return { id: 'datalab', comment, tree, remotes: remotes.gaps, ...(gap.length > 0 ? { gap } : {}) }
}

function prefixOf({ find, text, note }: Work): string | undefined {
  const prefix = text(find('IDENTIFIER_PREFIX'))
  if (prefix !== undefined && /^[a-z]{2,10}$/.test(prefix)) {
    note('taken', 'IDENTIFIER_PREFIX', 'plugins.datalab.config.identifierPrefix')
    return prefix
  }
  const why = prefix === undefined ? 'is not set' : 'is not of 2 to 10 small letters, as refcodes need'
  note('decide', 'IDENTIFIER_PREFIX', `${why}: the entry \`datalab\` is a comment until its identifierPrefix is there`)
  return undefined
}

/** The dialect shares the host of the issuer, so it stands below a prefix of its own. */
function rootOf({ find, text, note, wrong }: Work): string {
  const found = find('ROOT_PATH')
  const root = text(found)?.replace(/\/+$/, '') ?? ''
  if (root === '') {
    note(
      'decide',
      'ROOT_PATH',
      'plugins.datalab.prefix is /datalab: keep it, or give the dialect the host on which datalab’s API is now',
    )
    return '/datalab'
  }
  if (found && !/^(?:\/[A-Za-z0-9._~-]+)+$/.test(root)) wrong(found, 'must be a path such as /api')
  note('taken', 'ROOT_PATH', 'plugins.datalab.prefix')
  return root
}

function uploadOf({ find, whole, note }: Work): number | undefined {
  const size = whole(find('MAX_CONTENT_LENGTH'), { least: 1, most: Number.MAX_SAFE_INTEGER })
  if (size === undefined) note('notSet', 'MAX_CONTENT_LENGTH', 'clients are told 10 GB, as there')
  else
    note(
      'taken',
      'MAX_CONTENT_LENGTH',
      'plugins.datalab.config.maxUploadBytes: what clients are told; the limit is datalab’s',
    )
  return size
}

const webMembers = {
  issue_tracker: 'issueTracker',
  homepage: 'homepage',
  source_repository: 'sourceRepository',
} as const

function deploymentOf(work: Work): Tree | undefined {
  const metadata = work.tree(work.find('DEPLOYMENT_METADATA'))
  if (metadata === undefined) {
    work.note('notSet', 'DEPLOYMENT_METADATA', '`/info` tells nothing of the deployment')
    for (const member of ['maintainer', ...Object.keys(webMembers)])
      work.note('notSet', `DEPLOYMENT_METADATA.${member}`, '`/info` does not tell it')
    return undefined
  }
  work.note('taken', 'DEPLOYMENT_METADATA', 'plugins.datalab.config.deployment; its members are the next rows')
  const maintainer = maintainerOf(work, metadata.within('maintainer'))
  const web = Object.entries(webMembers).map(([old, ours]) => {
    const value = work.url(metadata.within(old))
    tell(
      work,
      `DEPLOYMENT_METADATA.${old}`,
      value === undefined ? undefined : `plugins.datalab.config.deployment.${ours}`,
    )
    return [ours, value] as const
  })
  const known = ['maintainer', ...Object.keys(webMembers)]
  for (const key of Object.keys(metadata.value as object).filter((one) => !known.includes(one)))
    work.note('notOurs', `DEPLOYMENT_METADATA.${key}`, '`/info` tells the four things above and no others')
  return treeOf({ maintainer, ...Object.fromEntries(web) })
}

function tell({ note }: Notes, about: `DEPLOYMENT_METADATA.${string}`, where: string | undefined): void {
  if (where === undefined) note('notSet', about, '`/info` does not tell it')
  else note('taken', about, where)
}

function maintainerOf(work: Work, found: Found): Tree | undefined {
  const about = 'DEPLOYMENT_METADATA.maintainer'
  const person = work.tree(found)
  const email = person && work.text(person.within('contact_email'))
  if (person === undefined || email === undefined) {
    if (person === undefined) tell(work, about, undefined)
    else work.note('decide', about, 'is left out, because it has no contact_email')
    return undefined
  }
  if (!isAddress(email)) return work.wrong(person.within('contact_email'), 'must be an e-mail address')
  const displayName = work.text(person.within('display_name'))
  if (displayName !== undefined && displayName.length > 150)
    work.wrong(person.within('display_name'), 'must be at most 150 characters long')
  tell(work, about, 'plugins.datalab.config.deployment.maintainer: name and address; branding.support leads there, too')
  return treeOf({ displayName, contactEmail: email })
}
