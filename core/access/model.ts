/** The words of the ledger: subjects, conditions, grants, datasets, terms, requests. @module */
import type { AccountId, DatasetView, Json, Level, Trust } from '@labgate/contract'
import type { RowSource } from '../storage/ledger-entities.ts'

/** Who a grant is for. */
export type Subject =
  | { readonly kind: 'account'; readonly account: AccountId }
  /** Somebody by what a sign-in vouches for, known here or not yet: a verified e-mail address or a subject at an instance. */
  | { readonly kind: 'name'; readonly instance: string; readonly value: string }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'anyone' }

/** A fact that must be known of the holder. */
export interface FactCondition {
  readonly claim: string
  /** At most one of these three; none: any value does. */
  readonly equals?: Json
  readonly oneOf?: readonly Json[]
  readonly contains?: Json
  /** Only as this instance says. */
  readonly via?: string
  /** At least so trusted; default `verified`. */
  readonly trust?: Trust
  /** Seen within so many days. */
  readonly withinDays?: number
}

/** All of them must hold. */
export interface Conditions {
  readonly terms?: { readonly id: string; readonly number: number }
  readonly from?: Date
  readonly until?: Date
  readonly facts?: readonly FactCondition[]
  /** Counts only while the holder is in this group: what a team lead grants. */
  readonly withinGroup?: string
}

/** A line of the ledger. */
export interface Grant {
  readonly id: number
  readonly subject: Subject
  readonly dataset: string
  readonly version: string | undefined
  /** Exactly one of `level` and `permission`. */
  readonly level: Level | undefined
  readonly permission: string | undefined
  readonly conditions: Conditions
  /** Account id, or the name of a system actor. */
  readonly grantedBy: string
  readonly why: string
  readonly source: RowSource
  readonly createdAt: Date
  readonly endedAt: Date | undefined
  readonly endedBy: string | undefined
}

/** A grant that is to be made. */
export type NewGrant = Pick<Grant, 'subject' | 'dataset'> &
  Partial<Pick<Grant, 'version' | 'level' | 'permission' | 'conditions' | 'why'>>

/** A dataset with what its keepers see. */
export interface Dataset extends DatasetView {
  readonly source: RowSource
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** What a dataset is made of, or changed to; lists replace the whole list. */
export interface DatasetPatch {
  /** When the dataset was read that is changed: a later change by somebody else is not overwritten. */
  readonly unchangedSince?: Date | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly visibility?: 'listed' | 'hidden' | undefined
  /** The reason; `null` opens it again. */
  readonly frozen?: string | null | undefined
  readonly aliases?: readonly string[] | undefined
  readonly versions?: readonly { readonly version: string; readonly title?: string | undefined }[] | undefined
  readonly places?:
    | readonly {
        readonly version?: string | undefined
        readonly bucket: string
        readonly prefix?: string | undefined
      }[]
    | undefined
  readonly tables?: readonly { readonly namespace: string; readonly name: string }[] | undefined
}

/** One text of terms. */
export interface TermsText {
  readonly number: number
  readonly markdown: string
  /** SHA-256, hex. */
  readonly digest: string
  readonly publishedBy: string
  readonly publishedAt: Date
}

/** Terms of use: where they apply and which of their texts counts. */
export interface Terms {
  readonly id: string
  /** See `AccountView.numericId`. */
  readonly numericId: number
  readonly title: string
  readonly dataset: string | undefined
  readonly version: string | undefined
  /** Clients and dialect instances they are limited to; empty: everywhere (with a dataset) or for nobody (without). */
  readonly services: readonly string[]
  /** The least number whose acceptance counts. */
  readonly requiredNumber: number
  readonly source: RowSource
  readonly createdAt: Date
  readonly retiredAt: Date | undefined
  /** The newest. */
  readonly text: TermsText
}

/** That somebody accepted one text. */
export interface Acceptance {
  readonly account: AccountId
  readonly terms: string
  readonly number: number
  readonly at: Date
  readonly address: string | undefined
  readonly digest: string
}

/** A link to terms; who accepts by it gets `level` on their dataset. */
export interface Invitation {
  readonly id: string
  readonly terms: string
  readonly level: Level | undefined
  readonly madeBy: string
  readonly createdAt: Date
  readonly endsAt: Date | undefined
  readonly seats: number | undefined
  readonly used: number
  readonly endedAt: Date | undefined
}

/** Somebody asks for access. */
export interface AccessRequest {
  readonly id: number
  readonly account: AccountId
  readonly dataset: string
  readonly version: string | undefined
  readonly level: Level
  readonly why: string
  readonly state: 'open' | 'granted' | 'refused' | 'withdrawn'
  readonly createdAt: Date
  readonly decidedAt: Date | undefined
  readonly decidedBy: string | undefined
  readonly note: string
}

const nameOf = /^(?<instance>[a-z][a-z0-9-]{0,30}):(?<value>.+)$/s

/** A subject as one word of the ledger: `account:ID`, `name:INSTANCE:VALUE`, `group:SLUG`, `signed-in`, `anyone`. */
export function formatSubject(subject: Subject): string {
  switch (subject.kind) {
    case 'account':
      return `account:${subject.account}`
    case 'name':
      return `name:${subject.instance}:${subject.value}`
    case 'group':
      return `group:${subject.group}`
    default:
      return subject.kind
  }
}

/** Whether a subject, as `formatSubject` writes it, is one account's own: no group, and not everybody. */
export function isOwnSubject(word: string): boolean {
  return word.startsWith('account:') || word.startsWith('name:')
}

/** The reverse of `formatSubject`; `undefined` for anything else. */
export function parseSubject(word: string): Subject | undefined {
  if (word === 'signed-in' || word === 'anyone') return { kind: word }
  const colon = word.indexOf(':')
  const [kind, rest] = [word.slice(0, Math.max(0, colon)), word.slice(colon + 1)]
  if (rest === '') return undefined
  if (kind === 'account') return { kind, account: rest }
  if (kind === 'group') return { kind, group: rest }
  const name = kind === 'name' ? nameOf.exec(rest)?.groups : undefined
  return name?.instance === undefined || name.value === undefined
    ? undefined
    : { kind: 'name', instance: name.instance, value: name.value }
}
