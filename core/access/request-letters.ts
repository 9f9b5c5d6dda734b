/** Mail about requests for access: to those who look after the dataset, and the answer to whoever asked. @module */
import { type AccessFace, type AccountId, heldOn, type Log, type Mail } from '@labgate/contract'
import { type AccountRow, type Accounts, mayAct } from '../accounts/accounts.ts'
import { asHtml } from '../mail/plain.ts'
import { MembershipEntity } from '../storage/entities.ts'
import { GrantEntity } from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { type AccessRequest, parseSubject } from './model.ts'
import type { RequestNeeds } from './requests.ts'

/** What the letters take. */
export interface LetterNeeds {
  readonly storage: Storage
  readonly accounts: Pick<Accounts, 'find' | 'list' | 'findByVerifiedEmail'>
  readonly access: Pick<AccessFace, 'snapshot' | 'dataset'>
  readonly mail: Mail
  readonly log: Log
  readonly siteName: string
  readonly issuer: string
  /** Words in the language of whom a letter goes to. */
  wordsFor(account: AccountId): Promise<(key: string, values: Readonly<Record<string, string>>) => string>
}

/** How many people one request is told to at most. */
const mostLetters = 50

/** Makes the letters; a mail that does not leave is logged and stops nobody. */
export function createRequestLetters(needs: LetterNeeds): RequestNeeds['tell'] {
  const { log, siteName, issuer } = needs
  const calmly = async (request: AccessRequest, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (err) {
      log.warn(
        { err, request: request.id, dataset: request.dataset },
        'a mail about a request for access did not leave',
      )
    }
  }
  const valuesOf = async (request: AccessRequest) => {
    const person = await needs.accounts.find(request.account)
    return {
      name: lineOf(person?.displayName ?? request.account),
      email: person?.email ?? '–',
      dataset: (await needs.access.dataset(request.dataset))?.title ?? request.dataset,
      why: request.why,
      note: request.note,
      site: siteName,
    }
  }
  const send = (to: AccountRow, letter: { subject: string; body: string }) =>
    needs.mail.send({
      to: to.email ?? '',
      subject: letter.subject,
      text: letter.body,
      html: `<p>${asHtml(letter.body)}</p>`,
    })
  return {
    requested: (request) =>
      calmly(request, async () => {
        const values = { ...(await valuesOf(request)), link: new URL('/console/requests', issuer).href }
        for (const admin of await keepers(needs, request.dataset))
          await calmly(request, async () => {
            const text = await needs.wordsFor(admin.id)
            const said = { ...values, level: text(`mail.level.${request.level}`, {}) }
            await send(admin, { subject: text('mail.requestSubject', said), body: text('mail.request', said) })
          })
      }),
    decided: (request) =>
      calmly(request, async () => {
        const person = await needs.accounts.find(request.account)
        if (!person?.email || !person.emailVerified || !mayAct(person)) return
        const text = await needs.wordsFor(person.id)
        const level = text(`mail.level.${request.level}`, {})
        const values = { ...(await valuesOf(request)), level, link: new URL('/account/access', issuer).href }
        const answer = text(request.state === 'granted' ? 'mail.granted' : 'mail.notGranted', values)
        const note = request.note === '' ? '' : `\n\n${text('mail.decisionNote', values)}`
        await send(person, { subject: text('mail.decisionSubject', values), body: `${answer}${note}` })
      }),
  }
}

/** The dataset's admins who can be written to; where there is none, the site's. */
async function keepers(needs: LetterNeeds, dataset: string): Promise<AccountRow[]> {
  const own: AccountRow[] = []
  for (const id of await candidates(needs, dataset)) {
    const account = await needs.accounts.find(id)
    if (account && reachable(account) && (await keeps(needs, { account: id, dataset }))) own.push(account)
    if (own.length >= mostLetters) break
  }
  if (own.length > 0) return own
  return (await needs.accounts.list({ role: 'admin', limit: mostLetters, offset: 0 })).filter(reachable)
}

/** Asked of the ledger, so that dates and facts count here as everywhere; terms lock no keeper out. */
async function keeps({ access }: LetterNeeds, { account, dataset }: { account: AccountId; dataset: string }) {
  const { grants } = await access.snapshot(account)
  return heldOn(grants, { dataset })?.beforeTerms.level === 'admin'
}

function reachable(account: AccountRow): boolean {
  return mayAct(account) && account.emailVerified && account.email !== undefined && account.kind === 'person'
}

/** Everybody who may be an admin of the dataset by a grant that names them or a group of theirs. */
async function candidates({ storage, accounts }: LetterNeeds, dataset: string): Promise<ReadonlySet<AccountId>> {
  const em = storage.em()
  const grants = await em.find(GrantEntity, { dataset, version: null, level: 'admin', endedAt: null })
  const found = new Set<AccountId>()
  for (const { subject } of grants) {
    const who = parseSubject(subject)
    if (who?.kind === 'account') found.add(who.account)
    if (who?.kind === 'name') {
      const account = await accounts.findByVerifiedEmail(who.value)
      if (account) found.add(account.id)
    }
    if (who?.kind === 'group') {
      const members = await em.find(MembershipEntity, { group: who.group }, { limit: 4 * mostLetters })
      for (const { account } of members) found.add(account)
    }
  }
  return found
}

/** A name of somebody's own choosing, in one line. */
function lineOf(name: string): string {
  return name.replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
}
