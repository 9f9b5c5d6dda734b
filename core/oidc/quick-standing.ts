/** Access tokens as services ask about them: found with all that their use depends on, in as few reads as can be. @module */
import type { AdapterPayload } from 'oidc-provider'
import { mayActOn } from '../accounts/accounts.ts'
import type { FoundToken } from '../storage/artifact-unit.ts'
import type { ArtifactStore } from '../storage/artifacts.ts'
import type { Finder, QuickToken } from './quick-models.ts'
import { wholePayload } from './stored-payload.ts'

/** The library's model of a token, with the steps of its `find` after its look into the store. */
export interface TokenModel extends Finder {
  verify(stored: unknown): Promise<object>
  instantiate(payload: object): QuickToken
}

/** A token of the library's, and of what it stands on as much as was read with it. */
export interface StandingToken {
  readonly token: QuickToken
  /** Whether its grant is for its account and client; `undefined`: somebody has to look. */
  readonly isGranted: boolean | undefined
  /** Whether its account may act now; `undefined`: somebody has to ask. */
  readonly acts: boolean | undefined
}

/** Finds one as the library does. What goes with a session is looked for by the library alone, which knows of sessions. */
export async function standingToken(
  name: string,
  { model, artifacts }: { readonly model: TokenModel; readonly artifacts: Pick<ArtifactStore, 'findToken'> },
): Promise<StandingToken | undefined> {
  const stored = await artifacts.findToken('AccessToken', name)
  const token = stored && (await tokenOf(name, stored, model))
  if (token === undefined) return undefined
  const { grant, account } = stored ?? {}
  return {
    token,
    isGranted: grant && grant.client === token.clientId && grant.account === token.accountId,
    acts: account && mayActOn(account),
  }
}

async function tokenOf(name: string, { payload }: FoundToken, model: TokenModel): Promise<QuickToken | undefined> {
  if ((payload as { readonly expiresWithSession?: unknown } | null)?.expiresWithSession) return model.find(name)
  // What does not hold, by its own end above all, is none.
  const whole = wholePayload({ model: 'AccessToken', id: name }, payload as AdapterPayload)
  const verified = await model.verify(whole).catch(() => undefined)
  return verified && model.instantiate(verified)
}
