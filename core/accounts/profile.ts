/**
 * What people say of themselves: the site's questions and their answers. An answer is a fact of trust `self` and, where
 * the question says so, a membership of `profile:ID/VALUE`; nobody else vouches for either.
 * @module
 */
import { type AccountId, type Clock, Fault, type Json, type SourcedFact } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { AccountReads } from '../storage/account-rows.ts'
import { AccountEntity, MembershipEntity } from '../storage/entities.ts'
import { ProfileAnswerEntity } from '../storage/life-entities.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import { assertMayReturn } from './accounts.ts'
import type { Actor } from './actor.ts'
import type { Change } from './changes.ts'
import { checkedName } from './wording.ts'

/** A question of the config. */
export interface ProfileQuestion {
  readonly id: string
  readonly label: string
  readonly hint?: string | undefined
  readonly type: 'text' | 'choice'
  readonly options?: readonly { readonly value: string; readonly label: string }[] | undefined
  /** Nobody goes on to a service without an answer. */
  readonly required: boolean
  /** An answer is a membership too. */
  readonly group: boolean
}

/** A question with what one person answered. */
export interface ProfileAnswer {
  readonly question: ProfileQuestion
  /** `undefined`: none that counts. */
  readonly value: string | undefined
  /** The answer in words: the option's label. */
  readonly text: string | undefined
  /** When it was answered, or left empty; `undefined`: never, or by an answer that is no longer offered. */
  readonly at: Date | undefined
  /** Whether the person is to be asked. */
  readonly isDue: boolean
}

/** Answers by question; an empty one takes an answer back. */
export type GivenAnswers = Readonly<Record<string, string>>

/** The questions and everybody's answers. */
export interface Profile {
  /** Every question, in the config's order; none for programs. */
  answers(account: AccountId): Promise<readonly ProfileAnswer[]>
  /** Whether a question stands between a person and a service. */
  isDue(account: AccountId): Promise<boolean>
  /** What the answers say, as facts of trust `self` by `profile`; as a reading sees them, if `rows` are its. */
  facts(account: AccountId, rows?: AccountReads): Promise<readonly SourcedFact[]>
  /**
   * Keeps the answers that are given; others stay.
   * @throws Fault ERR_INPUT (no such question or option, a required one left empty), ERR_FORBIDDEN, ERR_NOT_FOUND,
   * ERR_CONFLICT (an account that is shut for good)
   */
  answer(actor: Actor, account: AccountId, given: GivenAnswers): Promise<void>
  /** Makes memberships what the questions are now: the config may have changed since they were answered. */
  settleAll(): Promise<void>
}

/** The source of memberships, and the `via` of facts. */
const profileSource = 'profile'
const house: Actor = { kind: 'system', name: 'config' }
const longestText = 200

/** Makes it. `issuer` is where the facts come from: this site itself. */
export function createProfile(needs: {
  readonly storage: Storage
  readonly clock: Clock
  readonly change: Change
  readonly questions: readonly ProfileQuestion[]
  readonly issuer: string
}): Profile {
  const { storage, questions, issuer } = needs
  const answersIn = async (rows: AccountReads, account: AccountId): Promise<readonly ProfileAnswer[]> => {
    if (questions.length === 0 || (await rows.find(account))?.kind !== 'person') return []
    const given = new Map((await rows.answers(account)).map((row) => [row.question, row]))
    return questions.map((question) => answerOf(question, given.get(question.id)))
  }
  const answers = (account: AccountId) => answersIn(storage.accountRows, account)
  return {
    answers,
    isDue: async (account) => (await answers(account)).some(({ isDue }) => isDue),
    facts: async (account, rows = storage.accountRows) =>
      (await answersIn(rows, account)).flatMap(({ question: { id: claim }, value, at }) =>
        value === undefined || at === undefined
          ? []
          : [{ claim, value, trust: 'self' as const, via: profileSource, issuer, subject: account, at }],
      ),
    answer: (actor, account, given) => keep(needs, { actor, account, given }),
    settleAll: () => settleAll(needs),
  }
}

interface Kept {
  readonly value: Json
  readonly at: Date
}

/** What is kept, as far as the question still asks for it: an option that is gone was never chosen. */
function answerOf(question: ProfileQuestion, row: Kept | undefined): ProfileAnswer {
  const option = question.options?.find(({ value }) => value === row?.value)
  const isText = question.type === 'text' && typeof row?.value === 'string'
  const value = isText ? String(row.value) : question.type === 'choice' ? option?.value : undefined
  // Left empty is an answer too, where none is required: nobody is asked again for what they do not want to say.
  const counts = value !== undefined || (row?.value === null && !question.required)
  const text = question.type === 'choice' ? option?.label : value
  return { question, value, text, at: counts ? row?.at : undefined, isDue: !counts }
}

/** The answer as it is kept; `null`: left empty. */
function checked({ id, label, type, options = [], required }: ProfileQuestion, given: string): string | null {
  const plain = given.normalize('NFC').trim()
  if (plain === '') {
    if (required) throw new Fault('ERR_INPUT', `“${label}” needs an answer.`, { detail: { question: id } })
    return null
  }
  if (type === 'text') {
    try {
      return checkedName(plain, longestText)
    } catch (cause) {
      const words = `The answer to “${label}” has at most ${longestText} characters on one line.`
      throw new Fault('ERR_INPUT', words, { detail: { question: id }, cause })
    }
  }
  if (options.some(({ value }) => value === plain)) return plain
  throw new Fault('ERR_INPUT', `Choose one of the answers that “${label}” offers.`, { detail: { question: id } })
}

type Needs = Parameters<typeof createProfile>[0]

async function keep(
  { change, clock, questions }: Needs,
  { actor, account, given }: { actor: Actor; account: AccountId; given: GivenAnswers },
): Promise<void> {
  const wanted = Object.entries(given).map(([id, value]) => {
    const question = questions.find((one) => one.id === id)
    if (!question) throw new Fault('ERR_INPUT', 'There is no such question.', { detail: { question: id } })
    return { question, value: checked(question, value) }
  })
  await change(actor, { on: 'profile', account }, async (em) => {
    const row = await em.findOne(AccountEntity, { id: account }, { disableIdentityMap: true })
    if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
    // A form that was open while its account was erased brings nothing back.
    assertMayReturn(row)
    if (row.kind !== 'person') throw new Fault('ERR_INPUT', 'Programs are asked nothing.')
    const found = await em.find(ProfileAnswerEntity, { account }, { disableIdentityMap: true })
    const known = valuesOf(found)
    const changed = wanted.filter(({ question, value }) => known.get(question.id) !== value)
    if (changed.length === 0) return { unchanged: undefined }
    for (const { question, value } of changed) await put(em, { account, question: question.id, value, at: clock.now() })
    const now = new Map([...known, ...changed.map(({ question, value }) => [question.id, value] as const)])
    await setGroups(em, { account, wanted: groupsOf(questions, now), at: clock.now() })
    await em.execute('update account set revision = revision + 1, updated_at = ? where id = ?', [
      clock.now().getTime(),
      account,
    ])
    const told = (values: ReadonlyMap<string, Json>) =>
      Object.fromEntries(changed.map(({ question }) => [question.id, asTold(question, values.get(question.id))]))
    return {
      result: undefined,
      type: 'profile.answered',
      account,
      target: {},
      before: told(known),
      after: told(now),
    }
  })
}

function valuesOf(rows: readonly { readonly question: string; readonly value: Json }[]): Map<string, Json> {
  return new Map(rows.map(({ question, value }) => [question, value]))
}

/** Past the entity, which takes the JSON `null` for a missing value. */
async function put(
  em: EntityManager,
  answer: { account: AccountId; question: string; value: string | null; at: Date },
): Promise<void> {
  const { account, question, value, at } = answer
  await em.execute(
    `insert into profile_answer (account_id, question, value, at) values (?, ?, ?, ?)
       on conflict (account_id, question) do update set value = excluded.value, at = excluded.at`,
    [account, question, JSON.stringify(value), at.getTime()],
  )
}

/** What the trail keeps: a choice by its value; of what people write, only that they wrote. It may name somebody. */
function asTold({ type }: ProfileQuestion, value: Json | undefined): string | boolean | null {
  if (value === undefined || value === null) return null
  return type === 'choice' ? String(value) : true
}

/** The groups that answers lead to, with their titles. */
function groupsOf(questions: readonly ProfileQuestion[], answers: ReadonlyMap<string, Json>): Map<string, string> {
  return new Map(
    questions.flatMap((question) => {
      const option = question.options?.find(({ value }) => value === answers.get(question.id))
      return question.group && option ? [[groupSlug(question, option), `${question.label}: ${option.label}`]] : []
    }),
  )
}

/** The slug of the group that an option leads to; never one of ours, which have no colon. */
function groupSlug({ id }: ProfileQuestion, { value }: { readonly value: string }): string {
  return `${profileSource}:${id}/${value}`
}

/** Memberships by others' word stay. */
async function setGroups(
  em: EntityManager,
  { account, wanted, at }: { account: AccountId; wanted: ReadonlyMap<string, string>; at: Date },
): Promise<void> {
  const mine = { account, source: profileSource }
  const present = (await em.find(MembershipEntity, mine, { disableIdentityMap: true })).map(({ group }) => group)
  const gone = present.filter((group) => !wanted.has(group))
  const fresh = [...wanted].filter(([group]) => !present.includes(group))
  if (gone.length > 0) await em.nativeDelete(MembershipEntity, { ...mine, group: { $in: gone } })
  for (const [slug, title] of fresh) {
    await em.execute(
      `insert into account_group (slug, title, description, source, numeric_id) values (?, ?, '', ?, ?)
         on conflict (slug) do update set title = excluded.title`,
      [slug, title, profileSource, await nextNumericId(em)],
    )
    await em.insert(MembershipEntity, { ...mine, group: slug, at })
  }
}

async function settleAll({ change, clock, storage, questions }: Needs): Promise<void> {
  if (!(await storage.startRows.hasProfiles())) return
  await storage.transaction(async (em) => {
    const rows = await em.find(ProfileAnswerEntity, {}, { disableIdentityMap: true })
    const members = await em.find(MembershipEntity, { source: profileSource }, { disableIdentityMap: true })
    const answers = Map.groupBy(rows, ({ account }) => account)
    const groups = Map.groupBy(members, ({ account }) => account)
    for (const account of new Set([...answers.keys(), ...groups.keys()])) {
      const wanted = groupsOf(questions, valuesOf(answers.get(account) ?? []))
      const before = (groups.get(account) ?? []).map(({ group }) => group).toSorted()
      const after = [...wanted.keys()].toSorted()
      if (before.join('\n') === after.join('\n')) continue
      await change(house, undefined, async (inner) => {
        await setGroups(inner, { account, wanted, at: clock.now() })
        await inner.execute('update account set revision = revision + 1 where id = ?', [account])
        return {
          result: undefined,
          type: 'profile.regrouped',
          account,
          target: {},
          before: { groups: before },
          after: { groups: after },
        }
      })
    }
  })
}
