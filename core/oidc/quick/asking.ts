/**
 * A plain authorization request while it is answered: as much of the library's own context as our policy and our grants read of it,
 * and what the policy says.
 * @module
 */
import type Provider from 'oidc-provider'
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import type { AuthClient, AuthWish } from './authorization-request.ts'

/** One of the policy's questions, with its checks. */
export interface PolicyPrompt {
  readonly name: string
  readonly checks: Iterable<{
    readonly reason: string
    check(ctx: KoaContextWithOIDC): unknown
    details(ctx: KoaContextWithOIDC): unknown
  }>
  details(ctx: KoaContextWithOIDC): unknown
}

/** The library's session. */
export interface AuthSession {
  readonly new?: true
  readonly accountId?: string
  readonly uid: string
  readonly id: string
  readonly exp?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  readonly transient?: boolean
  readonly authorizations?: object
  authTime(): number | undefined
  authorizationFor(client: string, make?: true): { persistsLogout?: boolean }
  sidFor(client: string): string | undefined
  grantIdFor(client: string, id?: string): string | undefined
  ensureClientContainer(client: string): void
  loginAccount(login: object): void
  resetIdentifier(): void
  save(seconds: number): Promise<unknown>
}

/** The library's interaction. */
export interface AuthInteraction {
  readonly uid: string
  readonly cid?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly trusted?: readonly unknown[]
  readonly session?: { readonly uid?: string }
  readonly deviceCode?: string
  readonly parJti?: string
  readonly result?: Result
  save(seconds: number): Promise<unknown>
  destroy(): Promise<void>
}

/** What our pages came to. */
interface Result {
  readonly error?: string
  readonly login?: {
    readonly accountId: string
    readonly remember?: boolean
    readonly ts?: number
    readonly amr?: readonly string[]
    readonly acr?: string
  }
}

interface About {
  readonly wish: AuthWish
  readonly session: AuthSession
  readonly interaction?: AuthInteraction
  /** The library's, with all its models. */
  readonly models: object
}

/** As much of the library's own context as policy and grants read. */
export class Asking {
  readonly provider: Provider
  readonly client: AuthClient
  readonly params: AuthWish['params']
  readonly session: AuthSession
  readonly result: Result | undefined
  readonly entities: { readonly Interaction?: AuthInteraction }
  readonly claims = {}
  readonly resourceServers = {}
  readonly requestParamClaims: ReadonlySet<string> = new Set()
  readonly requestParamScopes: ReadonlySet<string>
  readonly prompts: ReadonlySet<string>
  grant: Grant | undefined

  constructor({ wish, session, interaction, models }: About) {
    this.provider = models as unknown as Provider
    this.client = wish.client
    this.params = wish.params
    this.session = session
    this.result = interaction?.result
    this.entities = interaction ? { Interaction: interaction } : {}
    this.requestParamScopes = new Set(wish.params.scope.split(' '))
    this.prompts = new Set(wish.params.prompt?.split(' '))
  }

  /** All that may be asked for in a plain request. */
  get requestParamOIDCScopes(): ReadonlySet<string> {
    return this.requestParamScopes
  }

  get acr(): string | undefined {
    return this.session.acr
  }

  promptPending(name: string): boolean {
    return this.prompts.has(name) && !Object.hasOwn(this.result ?? {}, name)
  }
}

/** What must be asked, and why. */
export interface Prompted {
  readonly name: string
  readonly reasons: readonly string[]
  readonly details: object
}

/** What must be asked first, if anything. */
export async function promptOf(
  given: { readonly oidc: Asking },
  policy: readonly PolicyPrompt[],
): Promise<Prompted | undefined> {
  const ctx = given as unknown as KoaContextWithOIDC
  for (const { name, checks, details } of policy) {
    const failed: [reason: string, details: object][] = []
    for (const one of checks) if (await one.check(ctx)) failed.push([one.reason, (await one.details(ctx)) as object])
    if (failed.length === 0) continue
    const all = Object.assign({}, await details(ctx), ...failed.map(([, said]) => said))
    return { name, reasons: failed.map(([reason]) => reason), details: all }
  }
  return undefined
}
