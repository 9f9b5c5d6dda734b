/**
 * The token with which an app calls the lab's services in its owner's name: an API token of the scopes that the profile
 * names, short-lived, renewed while the workspace runs, and ended with it.
 * @module
 */
import type { Clock } from '@labgate/contract'
import type { Actor } from '../accounts/actor.ts'
import type { ApiTokens } from '../accounts/tokens.ts'
import type { WorkspaceTokens } from './room.ts'

const house: Actor = { kind: 'system', name: 'workspaces' }
const lifeSeconds = 3600

/** Makes the tokens of workspaces out of API tokens. */
export function createWorkspaceTokens({ tokens, clock }: { tokens(): ApiTokens; clock: Clock }): WorkspaceTokens {
  return {
    renewSeconds: lifeSeconds / 2,
    async give({ id, account }, { tokenScopes }) {
      if (tokenScopes.length === 0) return undefined
      const expiresAt = new Date(clock.now().getTime() + lifeSeconds * 1000)
      const { value } = await tokens().create(house, { account, name: nameOf(id), scopes: tokenScopes, expiresAt })
      return value
    },
    async end({ id, account }) {
      const living = await tokens().list({ account, state: 'active', limit: 1000 })
      for (const token of living.rows) if (token.name === nameOf(id)) await tokens().revoke(house, token.id)
    },
  }
}

function nameOf(workspace: string): string {
  return `workspace ${workspace}`
}
