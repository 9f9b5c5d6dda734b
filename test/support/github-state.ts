/** What the GitHub of the tests knows, and how it can be made to fail. @module */
import type { IncomingHttpHeaders } from 'node:http'

/** An organisation. `restricted`: it has OAuth app access restrictions; `saml`: it wants its own sign-on first. */
export interface GitHubOrganization {
  readonly id: number
  login: string
  restricted?: boolean
  saml?: boolean
}

export interface GitHubTeam {
  readonly id: number
  slug: string
  readonly organization: GitHubOrganization
}

export interface GitHubSeat {
  readonly organization: GitHubOrganization
  /** Default active. */
  state?: 'active' | 'pending'
  /** Whether the person shows the membership to everybody. */
  public?: boolean
}

export interface GitHubPerson {
  readonly id: number
  login: string
  name?: string | null
  /** Shown in public. */
  email?: string | null
  emails: { email: string; primary?: boolean; verified?: boolean; visibility?: string | null }[]
  seats?: GitHubSeat[]
  teams?: GitHubTeam[]
}

export interface GitHubWorld {
  readonly people: GitHubPerson[]
  readonly organizations: GitHubOrganization[]
  /** Scopes that a token gets whatever was asked for: a person may grant less. */
  grant?: string
}

/** The places where it can be made to fail. */
export type GitHubSpot = 'authorize' | 'token' | 'user' | 'emails' | 'memberships' | 'other'

export type GitHubFailure = 'hang' | '500' | 'html' | 'huge' | 'drop'

export interface GitHubFaults {
  fail: Partial<Record<GitHubSpot, GitHubFailure>>
  /** Changes an answer on its way out. */
  said: Partial<Record<GitHubSpot, (answer: GitHubAnswer) => GitHubAnswer>>
}

export interface GitHubApp {
  readonly clientId: string
  readonly clientSecret: string
  readonly callbacks: readonly string[]
}

/** A code that was given out, good for one exchange. */
export interface GitHubCode {
  readonly person: GitHubPerson
  readonly scope: string
  readonly redirectUri: string
  readonly challenge: string | null
}

export interface GitHubToken {
  readonly person: GitHubPerson
  readonly scopes: readonly string[]
}

export interface GitHubState {
  readonly url: string
  readonly app: GitHubApp
  readonly faults: GitHubFaults
  readonly world: GitHubWorld
  readonly codes: Map<string, GitHubCode>
  readonly tokens: Map<string, GitHubToken>
}

export interface GitHubAsk {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

export interface GitHubAnswer {
  readonly status: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}
