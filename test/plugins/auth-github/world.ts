/** One GitHub sign-in against the GitHub of the tests, with people and organisations of its own. @module */
import type { Fact, Json } from '@labgate/contract'
import plugin from '../../../plugins/auth-github/index.ts'
import { type GitHub, githubApp, primary, startGitHub } from '../../support/github.ts'
import type { GitHubOrganization, GitHubPerson, GitHubWorld } from '../../support/github-state.ts'
import { redirectUri, type SignInWorld, signInWorld } from '../../support/sign-in-world.ts'

export { callback, linkOf } from '../../support/sign-in-world.ts'

/** People and organisations that a test may change as it likes. */
export interface Cast {
  readonly lab: GitHubOrganization
  readonly other: GitHubOrganization
  readonly ada: GitHubPerson
  readonly bob: GitHubPerson
}

/** A fresh cast: Ada is a member of the lab, and hides it; Bob is in another organisation. */
export function cast(): Cast {
  const lab = { id: 9919, login: 'example-lab' }
  const other = { id: 77, login: 'other-org' }
  const ada: GitHubPerson = {
    id: 4711,
    login: 'ada',
    name: 'Ada Lovelace',
    emails: [primary('ada@example.org'), { email: 'old@example.org', verified: true, primary: false }],
    seats: [{ organization: lab }],
  }
  const bob: GitHubPerson = {
    id: 4712,
    login: 'bob',
    emails: [primary('bob@example.org')],
    seats: [{ organization: other, public: true }],
  }
  return { lab, other, ada, bob }
}

export interface GitHubTest extends Cast {
  readonly github: GitHub
  /** A fresh instance with this config laid over the app's. */
  instance(config?: Readonly<Record<string, Json>>): SignInWorld
}

/** Runs a test with a GitHub that is closed afterwards. */
export async function withGitHub(
  use: (test: GitHubTest) => Promise<void>,
  changes: Partial<GitHubWorld> = {},
): Promise<void> {
  const actors = cast()
  const { lab, other, ada, bob } = actors
  const world = { people: [ada, bob], organizations: [lab, other], ...changes }
  const github = await startGitHub({ ...world, callbacks: [redirectUri('github')] })
  const instance = (config = {}) =>
    signInWorld(github, { plugin, config: { url: github.url, ...githubApp, ...config } })
  try {
    await use({ ...actors, github, instance })
  } finally {
    await github.close()
  }
}

/** Only members of these come in. */
export const members = (...organizations: (string | number)[]) => ({ allow: { mode: 'organizations', organizations } })

/** The value of a fact. */
export function factOf(facts: readonly Fact[], claim: string): Json | undefined {
  return facts.find((fact) => fact.claim === claim)?.value
}
