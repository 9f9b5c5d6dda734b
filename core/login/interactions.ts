/** What login needs of the OpenID Provider: the open interaction and a way to finish it. Handed in by the composition root. @module */
import type { Ctx } from '../http/context.ts'
import type { ClientView } from '../pages/views.ts'

/** One interaction of the Provider, as far as login looks at it. */
export interface Interaction {
  readonly uid: string
  readonly prompt: {
    readonly name: string
    readonly reasons: readonly string[]
    readonly details: Readonly<Record<string, unknown>>
  }
  readonly clientId: string
  readonly redirectUri: string | undefined
  readonly loginHint: string | undefined
  /** Id of the way to sign in that is to be offered alone, as asked. */
  readonly wish?: string | undefined
  /** Prompts of the request (OpenID Connect Core §3.1.2.1), whichever of them this interaction is about. */
  readonly prompts: readonly string[]
  /** Seconds: how long ago the person may have proved who they are. */
  readonly maxAge: number | undefined
  /** Scopes of the request. */
  readonly scopes: readonly string[]
  /** The Provider's session when the interaction began. */
  readonly session: { readonly accountId: string; readonly uid: string } | undefined
  readonly grantId: string | undefined
}

export interface ClientInfo extends ClientView {
  readonly id: string
  /** Where a person may start over. */
  readonly home: string | undefined
  /** Since when it goes by its name, in milliseconds, as far as that is known: before, another one did. */
  readonly since: number
}

/** What an interaction came to. */
export type InteractionResult =
  | {
      readonly login: {
        readonly accountId: string
        readonly ts: number
        readonly amr: string[]
        readonly acr?: string
        readonly remember: boolean
      }
      readonly select_account: Record<string, never>
    }
  | { readonly consent: { readonly grantId: string } }
  | { readonly terms: Record<string, never> }
  | { readonly profile: Record<string, never> }
  | { readonly select_account: Record<string, never> }
  | { readonly error: string; readonly error_description: string }

export interface Interactions {
  /** The interaction of this page and this browser. @throws Fault ERR_LOGIN_EXPIRED */
  details(ctx: Ctx, uid: string): Promise<Interaction>
  /** Forgets the Provider's session that the interaction began with, so that another account can finish it. */
  detach(ctx: Ctx): Promise<void>
  /** Answers where the browser goes on. */
  finish(ctx: Ctx, result: InteractionResult): Promise<string>
  client(id: string): Promise<ClientInfo | undefined>
  /** The client of an interaction whose cookie is not there, to offer a new start. */
  clientOfLost(uid: string): Promise<ClientInfo | undefined>
  /** Grants what the consent page asked, less what the person left out; answers the grant's id. */
  grant(
    interaction: Interaction,
    account: string,
    choice: {
      readonly asked: readonly string[]
      readonly scopes: readonly string[]
      readonly claims: readonly string[]
    },
  ): Promise<string>
}
