/** The tables of account life: invitations by mail, answers to profile questions, names that are never given again. @module */
import type { AccountRole, Json } from '@labgate/contract'
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { AccountEntity } from './entities.ts'

/** An invitation by mail; only the digest of its link is kept. */
export const AccountInvitationEntity = defineEntity({
  name: 'AccountInvitation',
  tableName: 'account_invitation',
  properties: {
    id: p.text().primary(),
    digest: p.blob().unique(),
    email: p.text().index(),
    role: p.text().$type<AccountRole>().default('user'),
    /** Slugs of groups that the invited person joins. */
    groups: p.json<readonly string[]>(),
    note: p.text().default(''),
    madeBy: p.text(),
    createdAt: p.datetime(),
    endsAt: p.datetime(),
    acceptedBy: p.text().nullable(),
    acceptedAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
})

/** What a person answered to a profile question. */
export const ProfileAnswerEntity = defineEntity({
  name: 'ProfileAnswer',
  tableName: 'profile_answer',
  primaryKeys: ['account', 'question'],
  properties: {
    account: () => p.manyToOne(AccountEntity).mapToPk().primary().deleteRule('cascade'),
    question: p.text().primary(),
    value: p.json<Json>(),
    at: p.datetime(),
  },
})

/** A username that somebody had who was erased, as a digest: it is never given to anybody else. */
export const RetiredNameEntity = defineEntity({
  name: 'RetiredName',
  tableName: 'retired_name',
  properties: {
    digest: p.blob().primary(),
    retiredAt: p.datetime(),
  },
})

/** That somebody manages a person. */
export const AccountManagerEntity = defineEntity({
  name: 'AccountManager',
  tableName: 'account_manager',
  primaryKeys: ['account', 'manager'],
  properties: {
    account: () => p.manyToOne(AccountEntity).mapToPk().primary().deleteRule('cascade').index(),
    manager: () => p.manyToOne(AccountEntity).mapToPk().primary().deleteRule('cascade').index(),
    createdAt: p.datetime(),
  },
})

/** The entities of this file, in the order the tables are made. */
export const lifeEntities = [AccountInvitationEntity, ProfileAnswerEntity, RetiredNameEntity, AccountManagerEntity]

export type AccountInvitationRow = InferEntity<typeof AccountInvitationEntity>
