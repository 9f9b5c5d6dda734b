/** The audit trail: who did what, when, from where. Append-only; each event also stands in the log. @module */
import type { Json, Log } from '@labgate/contract'
import { redact } from './redact.ts'

/** Every kind of event, as the console offers them. A retired one is never reused. */
export const auditTypes = [
  'sign-in.done',
  'sign-in.refused',
  'sign-in.failed',
  'sign-out',
  'sign-out.everywhere',
  'session.revoked',
  'account.created',
  'account.waiting',
  'account.activated',
  'account.deactivated',
  'account.role-changed',
  'account.changed',
  'account.managers-changed',
  'account.invited',
  'account.invitation-sent',
  'account.invitation-ended',
  'account.invitation-accepted',
  'account.merged',
  'account.exported',
  'account.erased',
  'profile.answered',
  'profile.regrouped',
  'identity.linked',
  'identity.unlinked',
  'group.joined',
  'group.left',
  'group.created',
  'group.changed',
  'group.removed',
  'group.manager-added',
  'group.manager-removed',
  'dataset.created',
  'dataset.changed',
  'dataset.removed',
  'dataset.roots-added',
  'dataset.roots-removed',
  'grant.added',
  'grant.ended',
  'terms.added',
  'terms.changed',
  'terms.published',
  'terms.retired',
  'terms.accepted',
  'terms.invited',
  'terms.invitation-ended',
  'access.requested',
  'access.request-decided',
  'access.request-withdrawn',
  'access.refused',
  'dialect.issued',
  'service-account.created',
  'service-account.changed',
  'api-token.created',
  'api-token.revoked',
  'workspace.requested',
  'workspace.stopped',
  'workspace.restarted',
  'workspace.extended',
  'workspace.removed',
  'workspace.forgotten',
  'workspace.guest-added',
  'workspace.guest-removed',
  'workspace.quota-changed',
  'workspace.leases-changed',
  'workspace.drained',
  'workspace.messaged',
  'workspace.archived',
  'workspace.revealed',
  'ledger.seeded',
  'ledger.imported',
  'account.imported',
  'account.claimed',
  'consent.given',
  'consent.revoked',
  'device.approved',
  'device.declined',
  'token.revoked',
  'token.reused',
  'token.exchanged',
  'client.added',
  'client.changed',
  'client.removed',
  'client.invited',
  'client.uninvited',
  'keys.rotated',
  'config.applied',
  'config.refused',
  'config.rolled-back',
  'first-admin.claimed',
] as const

/** A kind of event. */
export type AuditType = (typeof auditTypes)[number]

/** One event. Ids only; no names, no addresses of mail, no secrets. */
export interface AuditEvent {
  readonly type: AuditType
  /** Account that did it; absent when nobody was signed in. */
  readonly actor?: string | undefined
  /** Account it was done to. */
  readonly account?: string | undefined
  readonly client?: string | undefined
  /** Network address. */
  readonly address?: string | undefined
  readonly requestId?: string | undefined
  readonly detail?: { readonly [name: string]: Json }
}

/** Where events are kept; it writes down the time. */
export interface AuditSink {
  append(event: AuditEvent): Promise<unknown>
}

/** Appends an event; settled when it is kept. @throws what the storage throws: an act that leaves no trace must not go on */
export type Audit = (event: AuditEvent) => Promise<void>

/** Makes the trail over a store. */
export function createAudit(needs: { readonly sink: AuditSink; readonly log: Log }): Audit {
  return async (event) => {
    // `redact` of JSON gives JSON.
    const detail = event.detail === undefined ? {} : { detail: redact(event.detail) as { [name: string]: Json } }
    await needs.sink.append({ ...event, ...detail })
    const { type, ...rest } = event
    needs.log.info({ audit: type, ...rest }, 'audit')
  }
}
