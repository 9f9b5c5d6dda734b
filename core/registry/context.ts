/** What a plugin may touch: its context, built per kind from services handed in. @module */
import type {
  AccessFace,
  AccountsFace,
  AdminFace,
  AuthContext,
  AuthzContext,
  Clock,
  Context,
  Log,
  Mail,
  Random,
  RunnerContext,
  SelfFace,
  SignIn,
  Store,
  TokensFace,
} from '@labgate/contract'
import type { TextOf } from './instance.ts'

/** Everything ambient, already narrowed to one instance. Plain data, so that a test builds it easily. */
export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly fetch: typeof globalThis.fetch
  readonly store: Store
  readonly mail: Mail
  readonly accounts: AccountsFace
  readonly access: AccessFace
  readonly tokens: TokensFace
  readonly admin: AdminFace
  readonly self: SelfFace
  readonly noteIssue: AuthzContext['noteIssue']
  /** Names this Labgate on engines that several share. */
  readonly installation: string
}

/** What a context takes besides the services. */
export interface Place {
  readonly id: string
  readonly config: unknown
  readonly text: TextOf
  readonly issuer: string
  readonly siteName: string
  /** Scheme, host and port of the instance. */
  readonly origin: string
  readonly prefix: string
  signIns(): readonly SignIn[]
}

/** The context of a sign-in. */
export function authContext(services: Services, place: Place): AuthContext {
  const redirectUri = redirectUriOf(place.issuer, place.id)
  return Object.freeze({ ...common(services, place), mail: services.mail, redirectUri, siteName: place.siteName })
}

/** The context of a dialect. */
export function authzContext(services: Services, place: Place): AuthzContext {
  const { accounts, admin, mail, noteIssue, self, tokens } = services
  const access = accessAt(services.access, place.id)
  const url = (path: string) => urlBelow(place, path)
  const termsUrl = (terms: string, back: string) => termsUrlOf(place, terms, back)
  const own = { accounts, access, tokens, admin, self, mail, noteIssue, url, termsUrl, signIns: place.signIns }
  return Object.freeze({ ...common(services, place), ...own })
}

function termsUrlOf({ issuer, id }: Place, terms: string, back: string): URL {
  const url = new URL(`/terms/for/${encodeURIComponent(id)}`, issuer)
  url.search = new URLSearchParams({ terms, back }).toString()
  return url
}

// A dialect that does not say for which service it asks, asks for itself: terms limited to it are never overlooked.
function accessAt(access: AccessFace, id: string): AccessFace {
  return Object.freeze({
    dataset: access.dataset,
    datasetOfTable: access.datasetOfTable,
    placesIn: access.placesIn,
    publicRoots: access.publicRoots,
    terms: access.terms,
    snapshot: (account, where) => access.snapshot(account, { service: where?.service ?? id }),
    anyone: (where) => access.anyone({ service: where?.service ?? id }),
    decide: (ask) => access.decide({ ...ask, service: ask.service ?? id }),
    missingTerms: (ask) => access.missingTerms({ ...ask, service: ask.service ?? id }),
  } satisfies AccessFace)
}

/** The context of a place to run. */
export function runnerContext(services: Services, place: Place): RunnerContext {
  return Object.freeze({ ...common(services, place), installation: services.installation })
}

/** Where an upstream sends the browser back to: what to register there. */
export function redirectUriOf(issuer: string, id: string): URL {
  return new URL(`/sign-in/${id}/callback`, issuer)
}

/** Services of a load that never starts (`labgate check`): each use is a mistake, since `create` must be pure. */
export function noServices(id: string): Services {
  const refuse = (name: string) => () => {
    throw new TypeError(`${id} used \`${name}\` before it was started; \`create\` must be pure`)
  }
  const face = <K extends string>(name: string, members: readonly K[]) =>
    Object.fromEntries(members.map((member) => [member, refuse(`${name}.${member}`)])) as Record<K, () => never>
  return {
    clock: face('clock', ['now']),
    random: face('random', ['bytes', 'token', 'digits']),
    log: face('log', ['debug', 'info', 'warn', 'error']),
    fetch: refuse('fetch'),
    store: face('store', ['get', 'put', 'take', 'delete', 'once', 'count', 'lock']),
    mail: face('mail', ['send']),
    accounts: face('accounts', [
      ...(['find', 'findByUsername', 'findByVerifiedEmail', 'mayAct'] as const),
      ...(['findByNumericId', 'search', 'people', 'groupMembers'] as const),
      ...(['findGroup', 'searchGroups', 'managers'] as const),
    ]),
    access: face('access', [
      ...(['snapshot', 'anyone', 'decide', 'dataset', 'datasetOfTable', 'placesIn', 'publicRoots'] as const),
      ...(['terms', 'missingTerms'] as const),
    ]),
    tokens: face('tokens', ['list', 'make', 'revoke', 'find']),
    admin: face('admin', ['rights', 'call']),
    self: face('self', ['change']),
    noteIssue: refuse('noteIssue'),
    installation: 'none',
  }
}

function common({ log, clock, random, fetch, store }: Services, { id, config, text }: Place): Context {
  return { id, config, log, clock, random, fetch, store, text }
}

function urlBelow({ origin, prefix }: Place, path: string): URL {
  // `//host` would leave the origin.
  if (!path.startsWith('/') || path.startsWith('//'))
    throw new TypeError(`url() takes a path that begins with one slash, got ${path}`)
  return new URL(prefix + path, origin)
}
