/** `labgate init --from-datalab`: a first config out of the settings of a datalab, and what became of each of them. @module */
import { type ConfigProblem, configFault, problemText } from '../../config/problems.ts'
import { plain } from '../table.ts'
import { envFileText } from './env-file.ts'
import { fileText, type Section } from './file-text.ts'
import { mailOf } from './mail.ts'
import type { Entry, SecretUse, Work } from './mapped.ts'
import { createNotes, fates, type Note, notOurs } from './notes.ts'
import { readingOf } from './reading.ts'
import { type Name, readSettings, type Texts } from './settings.ts'
import { signInsOf } from './sign-ins.ts'
import { datalabOf, sectionsOf } from './site.ts'

/** The variable with the sealing key. */
const keyName = 'LABGATE_SEALING_KEY'
const defaultIssuer = 'http://localhost:8080'

/** What a datalab cannot know. */
export interface Place {
  readonly issuer: string | undefined
  readonly name: string
  readonly email: string | undefined
  /** Absolute folder for what is kept of remote file systems. */
  readonly cacheFolder: string
  /** A new sealing key. */
  readonly sealingKey: string
}

/** What is to be written and told. */
export interface Translated {
  /** The config file. Has no secret in it. */
  readonly config: string
  /** The `.env` with the secrets that the config refers to. */
  readonly env: string
  readonly secrets: readonly SecretUse[]
  readonly notes: readonly Note[]
  readonly unknown: readonly ConfigProblem[]
  readonly others: readonly string[]
}

/**
 * Translates the settings of a datalab. Pure.
 * @throws Fault ERR_CONFIG with every mistake, one a line
 */
export function translateDatalab(texts: Texts, place: Place): Translated {
  const settings = readSettings(texts)
  const reading = readingOf(settings)
  const work: Work = { ...createNotes(), ...reading, find: settings.find }
  refuseTesting(work)
  const mail = mailOf(work)
  const signIns = signInsOf(work, { canMail: mail.canSignIn })
  const hasEmail = signIns.entries.some(({ id, tree }) => id === 'email' && tree.enabled !== false)
  const parts = sectionsOf(work)
  const entries = [...signIns.entries, datalabOf(work, { cacheFolder: place.cacheFolder, hasEmail })]
  for (const [name, why] of Object.entries(notOurs) as [Name, string][]) work.note('notOurs', name, why)
  const problems = uniqueProblems([...settings.problems, ...reading.problems])
  if (problems.length > 0) throw configFault(problems)
  const secrets = [
    {
      name: keyName,
      value: place.sealingKey,
      why: 'Seals secrets in the database: without it the database cannot be read.',
    },
    ...signIns.secrets,
    ...mail.secrets,
  ]
  const sections = sectionsWith(place, { ...parts, mail: mail.tree, hasEmail })
  return {
    ...{ config: fileText(sections, entries), env: envFileText(secrets), secrets },
    ...{ notes: [...work.all, ...decisionsOf(place, { entries, hasEmail })] },
    ...{ unknown: settings.unknown, others: settings.others },
  }
}

function refuseTesting({ find, flag, wrong }: Work): void {
  const testing = find('TESTING')
  if (testing && flag(testing))
    wrong(
      testing,
      'is true: there everybody is an admin without signing in, which is unsafe and not had here; set it to false and run this again',
    )
}

interface Parts extends ReturnType<typeof sectionsOf> {
  readonly mail: Section['tree'] | undefined
  readonly hasEmail: boolean
}

function sectionsWith(
  { issuer, name, email }: Place,
  { proxies, log, session, branding, mail, hasEmail }: Parts,
): Section[] {
  const all: readonly (readonly [comment: string, tree: Readonly<Record<string, unknown>>])[] = [
    [
      'Where people and services reach Labgate. It is in every token: choose it once.',
      { issuer: issuer ?? defaultIssuer, name },
    ],
    ['Put a reverse proxy with TLS in front, or set listen.tls.', { listen: { host: '127.0.0.1', port: 8080 } }],
    ['Where the reverse proxy comes from.', { proxies }],
    [
      'Seals secrets in the database. Secrets are references: { env: NAME } or { file: PATH }.',
      { keys: [{ env: keyName }] },
    ],
    ['The log.', { log }],
    ['How long a browser stays signed in.', { session }],
    ['How mail leaves.', { mail }],
    ['Where people find help.', { branding }],
    [
      'People who become admins by signing in.',
      { admins: email !== undefined && hasEmail ? [`email:${email}`] : undefined },
    ],
  ]
  return all
    .filter(([, tree]) => Object.values(tree).every((value) => value !== undefined))
    .map(([comment, tree]) => ({ comment, tree }))
}

/** What no setting of datalab says. */
function decisionsOf(
  { issuer, email }: Place,
  { entries, hasEmail }: { readonly entries: readonly Entry[]; readonly hasEmail: boolean },
): Note[] {
  const notes: Note[] = []
  const decide = (about: Note['about'], text: string) => notes.push({ about, fate: 'decide', text })
  if (issuer === undefined)
    decide(
      'issuer',
      `is ${defaultIssuer}: datalab has no setting for it; write the origin that Labgate will have (or --issuer)`,
    )
  if (email === undefined)
    decide(
      'admins',
      'who is an admin stands in datalab’s database: --email makes one, else the first start prints a one-time code',
    )
  else if (!hasEmail)
    decide(
      'admins',
      '--email needs the sign-in by e-mail, which is not there: write INSTANCE:VALUE, such as orcid:0000-0002-1825-0097',
    )
  if (entries.every(({ id, gap }) => id === 'datalab' || gap !== undefined))
    decide('plugins', 'nobody can sign in yet: no way to sign in was set up in what was read')
  return notes
}

function uniqueProblems(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()]
}

/** What is printed: a table of what became of each setting, by what there is to do. */
export function reportOf({ notes, unknown, others }: Translated): string[] {
  const lines: string[] = []
  for (const [fate, title] of Object.entries(fates)) {
    const rows = notes.filter((note) => note.fate === fate)
    if (rows.length === 0) continue
    const width = Math.max(...rows.map(({ about }) => about.length))
    lines.push('', `${title}:`, ...rows.flatMap((row) => rowLines(row, width)))
  }
  if (unknown.length > 0)
    lines.push('', 'Unknown, and left out:', ...unknown.map((one) => `  ${plain(problemText(one))}`))
  if (others.length > 0) lines.push('', `Variables of something else, and not read: ${plain(others.join(', '))}`)
  return lines
}

/** What has several lines goes on below itself. */
function rowLines({ about, text }: Note, width: number): string[] {
  const labels = [plain(about)]
  return text.split('\n').map((line, index) => `  ${(labels[index] ?? '').padEnd(width)}  ${plain(line)}`)
}
