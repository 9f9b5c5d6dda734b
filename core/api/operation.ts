/**
 * The admin API's operations as data: from one table come the routes, the checks of what is sent, and the OpenAPI
 * document, so that they cannot differ.
 * @module
 */
import type { AuthzAdapter, Clock, ConfigOf, FaultCode, Schema } from '@labgate/contract'
import type { Access } from '../access/access.ts'
import type { Ledger } from '../access/ledger.ts'
import type { Rights, Stewards } from '../access/stewards.ts'
import type { AccountRow, Accounts } from '../accounts/accounts.ts'
import type { Actor } from '../accounts/actor.ts'
import type { Approval } from '../accounts/approval.ts'
import type { Consents } from '../accounts/consents.ts'
import type { Groups } from '../accounts/groups.ts'
import type { Identities, IdentityRow } from '../accounts/identities.ts'
import type { AccountInvitations } from '../accounts/invitations.ts'
import type { Keeping } from '../accounts/keeping.ts'
import type { Life } from '../accounts/life.ts'
import type { Managers } from '../accounts/managers.ts'
import type { OwnWords } from '../accounts/own-words.ts'
import type { Profile } from '../accounts/profile.ts'
import type { ServiceAccounts } from '../accounts/service-accounts.ts'
import type { Sessions } from '../accounts/sessions.ts'
import type { Standing } from '../accounts/standing.ts'
import type { ApiToken, ApiTokens } from '../accounts/tokens.ts'
import type { Audit } from '../observe/audit.ts'
import type { ClientRoster } from '../oidc/clients.ts'
import type { AddClient } from '../oidc/new-client.ts'
import type { Registrations } from '../oidc/registrations.ts'
import type { AuditTrail } from '../storage/audit.ts'
import type { Workspaces } from '../workspaces/workspaces.ts'

/** Where the API begins. */
export const base = '/api/admin/v1'

/** What the operations work with. */
export interface ApiNeeds {
  readonly issuer: string
  readonly clock: Clock
  readonly ledger: Ledger
  readonly groups: Groups
  readonly managers: Managers
  readonly ownWords: OwnWords
  readonly serviceAccounts: ServiceAccounts
  readonly tokens: ApiTokens
  readonly accounts: Accounts
  readonly standing: Standing
  readonly profile: Pick<Profile, 'answers' | 'answer'>
  readonly invitations: Pick<AccountInvitations, 'list' | 'find' | 'invite' | 'resend' | 'end'>
  readonly approval: Approval
  readonly life: Life
  readonly identities: Pick<Identities, 'list'>
  readonly keeping: Pick<Keeping, 'unlink'>
  readonly sessions: Pick<Sessions, 'list' | 'endAll' | 'endByHandle'>
  readonly access: Access
  readonly stewards: Stewards
  readonly trail: Pick<AuditTrail, 'list'>
  readonly workspaces: Workspaces
  /** Every dialect, for its wire answers. */
  readonly dialects: readonly { readonly id: string; readonly plugin: string; readonly adapter: AuthzAdapter }[]
  readonly audit: Audit
  readonly clients: Pick<ClientRoster, 'list' | 'find' | 'save' | 'remove'>
  readonly registrations: Pick<Registrations, 'invite' | 'invitations' | 'end'>
  readonly consents: Pick<Consents, 'list' | 'find' | 'forget'>
  readonly addClient: AddClient
  /** Ends every token that a client holds for an account. */
  revokeClient(account: string, client: string): Promise<void>
  /** Ends every token that the sign-ins of an account led to, and tells services that want to know. */
  revokeAccount(account: string): Promise<void>
  /** Ends the tokens that an instance holds upstream for an identity; never throws. */
  revokeUpstream(identity: IdentityRow): Promise<void>
}

/** Who calls: past the guard there is a token that counts, of somebody who looks after something. */
export interface Caller {
  readonly account: AccountRow
  /** Absent when a signed-in person calls by a dialect. */
  readonly token: ApiToken | undefined
  readonly rights: Rights
  readonly actor: Extract<Actor, { kind: 'account' }>
}

type Properties = Readonly<Record<string, Schema>>
type Shape<P extends Properties> = {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly properties: P
}
/** The schema of a body. */
export type BodySchema = Schema & { readonly type: 'object'; readonly additionalProperties: false }

/** One request as an operation sees it: checked. */
export interface Ask<P, Q, B> {
  readonly caller: Caller
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly requestId: string
}

/** Answers of an operation that went well. */
export interface Answer {
  readonly status: 200 | 201 | 204
  readonly description: string
  /** Absent: no body. Only what it names leaves the house. */
  readonly schema?: Schema
  /** Media type of a file; `handle` answers a {@link Download} then. */
  readonly file?: string
}

/** A file as an operation answers it: never held whole. */
export interface Download {
  /** As it is called where it is kept: letters, digits, dots and dashes. */
  readonly name: string
  readonly parts: AsyncIterable<Uint8Array>
}

/** One operation. */
export interface Operation {
  /** Unique; generated clients name their methods by it. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base, parameters as `{name}`. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly params: Properties
  readonly query: Properties
  readonly body?: BodySchema
  /** Largest body in bytes; default 64 KiB. */
  readonly bodyBytes?: number
  readonly answer: Answer
  /** Codes besides those that its form implies. */
  readonly errors: readonly FaultCode[]
  // A method, so that the narrower asks of single operations fit into one table.
  handle(
    ask: Ask<Readonly<Record<string, string>>, Readonly<Record<string, unknown>>, unknown>,
    needs: ApiNeeds,
  ): Promise<unknown>
}

/** Writes down one operation; its handler sees parameters and body in the types of their schemas. */
export function operation<
  const P extends Properties = Record<never, never>,
  const Q extends Properties = Record<never, never>,
  const B extends BodySchema = BodySchema,
>(
  given: Omit<Operation, 'params' | 'query' | 'body' | 'errors' | 'handle'> & {
    readonly params?: P
    readonly query?: Q
    readonly body?: B
    readonly errors?: readonly FaultCode[]
    handle(
      ask: Ask<{ readonly [K in keyof P]: string }, ConfigOf<Shape<Q>>, ConfigOf<B>>,
      needs: ApiNeeds,
    ): Promise<unknown>
  },
): Operation {
  const { params = {}, query = {}, errors = [], ...rest } = given
  // The checks of `check.ts` make the request what the schemas say.
  return { ...rest, params, query, errors } as Operation
}
