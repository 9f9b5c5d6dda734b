/** `labgate explain`: whether somebody may do something, by which lines of the ledger, and what services are told. @module */
import { Fault, isFault, type Json, type Missing } from '@labgate/contract'
import type { Explanation } from '../access/access.ts'
import { refusalWords } from '../access/refusal.ts'
import type { AccountRow } from '../accounts/accounts.ts'
import type { Rooms } from '../assembly.ts'
import type { Labgate } from '../server.ts'
import { type Args, type Command, type Io, textOption, wordOf, wrongUse } from './command.ts'
import { conditionsText, grantJson, peopleIn } from './grant.ts'
import { base, namesOf, one, say, subjectText } from './ledger.ts'
import { accountOf, withLabgate } from './site.ts'
import { plain } from './table.ts'

/** Explains an answer, or a refusal by the code that its page showed. */
export const command: Command = {
  name: 'explain',
  summary: 'Say whether somebody may do something, why, and what services are told.',
  usage: [
    'explain ACCOUNT|anyone VERB DATASET [--version V] [--service ID] [--json]',
    'explain --event CODE [--json]',
    'ACCOUNT: id, username or verified e-mail address; anyone: somebody who is not signed in. VERB: view, edit, manage,',
    'admin or a permission. CODE: what a page that refused something shows as its code.',
  ].join('\n'),
  options: {
    version: one('VERSION', 'Of this version; default the dataset as a whole.'),
    service: one('ID', 'As this client or dialect instance asks: terms limited to it count too.'),
    event: one('CODE', 'What was refused under this code, and what the answer would be today.'),
    ...base,
  },
  positionals: 3,
  run,
}

async function run(args: Args, io: Io): Promise<number> {
  const code = textOption(args, 'event')
  const words = args.positionals.length
  if (code === undefined && words !== 3) return wrongUse(io, 'explain wants ACCOUNT VERB DATASET, or --event CODE')
  if (code !== undefined && words !== 0) return wrongUse(io, '--event stands alone')
  return withLabgate(args, io, (labgate) =>
    code === undefined ? explainAsk(args, io, labgate) : explainEvent(args, io, { labgate, code }),
  )
}

async function explainAsk(args: Args, io: Io, labgate: Labgate): Promise<number> {
  const { rooms } = labgate
  const who = wordOf(args, 0)
  const account = who === 'anyone' ? undefined : await accountOf(rooms, who)
  const explanation = await rooms.get('access').explain({
    account: account?.id,
    verb: wordOf(args, 1),
    dataset: wordOf(args, 2),
    version: textOption(args, 'version'),
    service: textOption(args, 'service'),
  })
  const dialects = account === undefined ? [] : await answersOf(labgate, account)
  const result = { ...explanationJson(explanation), who: account?.username ?? 'anyone', dialects }
  const lines = [
    ...(await explanationLines(rooms, explanation, account)),
    ...dialects.flatMap(({ id, ...said }) => [
      '',
      `${id} answers:`,
      ...JSON.stringify('error' in said ? said.error : said.answer, null, 2)
        .split('\n')
        .map(plain),
    ]),
  ]
  return say(args, io, { result, lines })
}

/** What each dialect says of the account: the very projection that its services read. */
async function answersOf({ rooms, registry }: Labgate, account: AccountRow): Promise<Answer[]> {
  if (!(await rooms.get('accounts').mayAct(account.id))) return []
  const principal = {
    ...{ kind: account.kind, account, via: 'token' as const, scopes: ['*'], amr: [] as readonly string[] },
    authenticatedAt: rooms.get('clock').now(),
  } as const
  // One that fails does not hide what the others say.
  const answer = async ({ id, adapter }: ReturnType<Labgate['registry']['authz']>[number]): Promise<Answer> => {
    try {
      const snapshot = await rooms.get('access').snapshot(account.id, { service: id })
      return { id, answer: adapter.project(principal, snapshot) }
    } catch (error) {
      return { id, error: isFault(error) ? error.code : 'ERR_INTERNAL' }
    }
  }
  return Promise.all(registry.authz().map(answer))
}

type Answer = { readonly id: string } & ({ readonly answer: Json } | { readonly error: string })

/** An explanation as scripts read it. */
function explanationJson({ lines, ...explanation }: Explanation) {
  return {
    ...explanation,
    lines: lines.map(({ grant, counts, missing }) => ({ ...grantJson(grant), counts, missing })),
  }
}

async function explanationLines(rooms: Rooms, found: Explanation, account: AccountRow | undefined): Promise<string[]> {
  const { ask, allowed, lines, terms, words } = found
  const nameOf = await namesOf(rooms, peopleIn(lines.map(({ grant }) => grant)))
  const place = `${found.dataset ?? ask.dataset}${ask.version === undefined ? '' : ` ${ask.version}`}`
  const who = account === undefined ? 'anyone' : account.username
  return [
    `${allowed ? 'Yes' : 'No'}: ${who} ${allowed ? 'may' : 'may not'} ${plain(ask.verb)} ${plain(place)}.`,
    ...words.map((word) => `  ${plain(word)}`),
    '',
    lines.length === 0 ? 'No line of the ledger speaks to this.' : 'Lines of the ledger:',
    ...lines.flatMap(({ grant, counts, missing }) => [
      plain(
        `  ${counts ? 'counts' : 'misses'}  ${grant.id}  ${subjectText(grant.subject, nameOf)}: ${grant.level ?? grant.permission}` +
          ` on ${grant.version === undefined ? grant.dataset : `${grant.dataset} ${grant.version}`}, by ${nameOf(grant.grantedBy)}` +
          ` on ${plain(grant.createdAt)}${grant.why === '' ? '' : `: ${grant.why}`}`,
      ),
      ...(conditionsText(grant.conditions) === '' ? [] : [plain(`          if ${conditionsText(grant.conditions)}`)]),
      ...missing.map((one) => plain(`          missing: ${missingText(one)}`)),
    ]),
    ...terms.map(({ terms: id, title, requiredNumber, acceptedAt }) =>
      plain(
        `Terms ${id} (“${title}”), text ${requiredNumber} or later: ${acceptedAt ? `accepted ${plain(acceptedAt)}` : 'not accepted'}`,
      ),
    ),
  ]
}

/** What is missing, for whoever keeps the ledger. */
function missingText(missing: Missing): string {
  switch (missing.step) {
    case 'account':
      return `the account is ${missing.state}`
    case 'dataset':
      return {
        unknown: 'there is no such dataset',
        'unknown-version': 'there is no such version',
        frozen: 'the dataset is closed',
      }[missing.why]
    case 'terms':
      return `terms ${missing.terms} (text ${missing.number} or later) are not accepted`
    case 'not-yet':
      return `it begins ${plain(missing.from)}`
    case 'over':
      return `it was over ${plain(missing.until)}`
    case 'group':
      return `not in the group ${missing.group}`
    case 'fact':
      return `fact ${missing.claim}${missing.via === undefined ? '' : ` by ${missing.via}`} is ${missing.why}`
    case 'sign-in':
      return 'a sign-in'
    default:
      return 'a grant'
  }
}

interface EventAsk {
  readonly labgate: Labgate
  readonly code: string
}

/** What the trail keeps of a request, and each refusal as it would be decided now. */
async function explainEvent(args: Args, io: Io, { labgate: { rooms }, code }: EventAsk): Promise<number> {
  const events = await rooms.get('storage').audit.list({ requestId: code, limit: 100 })
  if (events.length === 0)
    throw new Fault(
      'ERR_NOT_FOUND',
      `the audit trail has nothing under the code ${plain(code)}; is it complete? Other errors stand in the log`,
    )
  const nameOf = await namesOf(
    rooms,
    events.flatMap(({ account, actor }) => [account, actor].filter((id) => id !== undefined)),
  )
  const told = []
  for (const event of events.toReversed()) {
    const { at, type, account, actor, client, address, detail } = event
    const who = account ?? actor
    const ask = type === 'access.refused' ? askOf(detail) : undefined
    const today = ask && (await rooms.get('access').explain({ ...ask, account }))
    const state = account === undefined ? undefined : (await rooms.get('accounts').find(account))?.state
    const words = refusalWords(event, state)
    told.push({ at, type, account, actor, client, address, detail, who: who && nameOf(who), words, today })
  }
  const lines: string[] = []
  for (const { at, type, who = 'somebody not signed in', address, detail, words, today } of told) {
    lines.push(
      plain(
        `${at.toISOString()}  ${type}  ${who}${address ? ` from ${address}` : ''}  ${JSON.stringify(detail ?? {})}`,
      ),
      ...words.map((word) => `  ${plain(word)}`),
    )
    if (today === undefined) continue
    const account = today.ask.account === undefined ? undefined : await rooms.get('accounts').find(today.ask.account)
    lines.push('', 'Today:', ...(await explanationLines(rooms, today, account)))
  }
  const result = told.map(({ today, ...event }) => ({ ...event, ...(today && { today: explanationJson(today) }) }))
  return say(args, io, { result, lines })
}

/** What was asked, as a refusal is written down. */
function askOf(detail: Json | undefined) {
  const { dataset, version, verb, service } = (detail ?? {}) as Readonly<Record<string, unknown>>
  if (typeof dataset !== 'string' || typeof verb !== 'string') return undefined
  return {
    ...{ dataset, verb },
    version: typeof version === 'string' ? version : undefined,
    service: typeof service === 'string' ? service : undefined,
  }
}
