/** A bench for dialects: a lab in memory, with people and what they hold, and routes asked as the core asks them. @module */
import {
  type AccessFace,
  type AuthzAdapter,
  type AuthzContext,
  type AuthzPlugin,
  type ConfigOf,
  type ConfigSchema,
  covers,
  Fault,
  heldOn,
  isFault,
  type Level,
  type Principal,
  type RouteAsk,
  type RouteClaim,
  type RouteReply,
  type Snapshot,
} from '@labgate/contract'
import { type ContextOptions, type TestContext, testContext } from './bench.ts'

/** What each person holds: level by dataset, by username. */
export type LabPeople = Readonly<Record<string, Readonly<Record<string, Level>>>>

/** How one route is asked. */
export interface DialectAsk extends Partial<Pick<RouteAsk, 'params' | 'headers' | 'body' | 'cookies'>> {
  /** Username of who is at hand; absent: nobody, whom a guard but `public` refuses before the handler. */
  readonly as?: string
  /** As a browser or program asks it; default: the path of the claim. */
  readonly path?: string
}

/** A dialect's instance on its context, in its lab. */
export interface DialectBench<C = unknown> extends Omit<TestContext<C>, 'context'> {
  readonly adapter: AuthzAdapter
  readonly routes: readonly RouteClaim[]
  principal(username: string): Principal
  snapshot(username: string): Snapshot
  /** Asks the route with this id. What the handler throws is answered by `renderError`, or thrown where there is none. */
  ask(route: string, how?: DialectAsk): Promise<RouteReply>
}

/** Creates an instance of a dialect in a lab of its own. Faces that it lacks (`tokens`, `admin`, `self`) throw when they are used. */
export function dialectBench<const S extends ConfigSchema>(
  options: Omit<ContextOptions<S>, 'plugin'> & { readonly plugin: AuthzPlugin<S>; readonly people: LabPeople },
): DialectBench<ConfigOf<S>> {
  const { plugin, people } = options
  const { context, ...bench } = testContext(options)
  const lab = labOf(people, context.clock.now())
  const origin = options.issuer ?? 'https://gate.example'
  const adapter = plugin.create({
    ...context,
    access: lab.access,
    accounts: missing('accounts'),
    tokens: missing('tokens'),
    admin: missing('admin'),
    self: missing('self'),
    termsUrl: (terms) => new URL(`/terms/${terms}`, origin),
    noteIssue: async () => undefined,
    url: (path) => new URL(path, origin),
    signIns: () => [],
  } satisfies AuthzContext<ConfigOf<S>>)
  const routes = plugin.routes(context.config)
  const ask = async (id: string, how: DialectAsk = {}): Promise<RouteReply> => {
    const claim = routes.find((route) => route.id === id)
    const handle = adapter.handlers[id]
    if (claim === undefined || handle === undefined) throw new TypeError(`there is no route \`${id}\` with a handler`)
    const request = requestOf(claim, {
      ...how,
      origin,
      principal: how.as === undefined ? undefined : lab.principal(how.as),
    })
    try {
      if (request.principal === undefined && !isOpen(claim))
        throw new Fault('ERR_UNAUTHENTICATED', 'Nobody is signed in.')
      return await handle(request)
    } catch (error) {
      if (isFault(error) && adapter.renderError !== undefined) return adapter.renderError(error, request)
      throw error
    }
  }
  return { ...bench, adapter, routes, ask, principal: lab.principal, snapshot: lab.snapshot }
}

/** A guard that lets by whoever it is. */
function isOpen({ guard }: RouteClaim): boolean {
  return guard === 'public' || (typeof guard === 'object' && guard.withoutToken === 'anyone')
}

function requestOf(
  claim: RouteClaim,
  how: DialectAsk & { readonly origin: string; readonly principal: Principal | undefined },
): RouteAsk {
  const { origin, principal, path = claim.path } = how
  return {
    ...{ method: claim.method, url: new URL(path, origin), principal, locale: 'en', address: '192.0.2.1' },
    ...{ params: how.params ?? {}, headers: how.headers ?? {}, cookies: how.cookies ?? {} },
    ...{ body: how.body ?? new Uint8Array(), requestId: 'test-request' },
  }
}

/** A face that the bench does not play. */
function missing<F extends object>(name: string): F {
  const refuse = (_: object, member: string | symbol) => () => {
    throw new TypeError(`the bench has no context.${name}.${String(member)}`)
  }
  // A proxy has every member; each of them throws.
  return new Proxy({}, { get: refuse }) as F
}

function labOf(people: LabPeople, now: Date) {
  const usernames = Object.keys(people)
  const slugs = [...new Set(Object.values(people).flatMap((held) => Object.keys(held)))].toSorted()
  const account = (username: string): Principal['account'] => {
    if (!usernames.includes(username)) throw new Fault('ERR_NOT_FOUND', `there is no account ${username}`)
    const numericId = usernames.indexOf(username) + 1
    return {
      ...{ id: username, username, displayName: username, numericId, state: 'active', role: 'user', kind: 'person' },
      ...{ email: `${username}@example.org`, emailVerified: true, groups: [], parent: undefined, createdAt: now },
    }
  }
  const principal = (username: string): Principal => ({
    ...{
      kind: 'person',
      account: account(username),
      via: 'session',
      scopes: ['*'],
      authenticatedAt: now,
      amr: ['otp'],
    },
  })
  const grantsOf = (username: string): Snapshot['grants'] =>
    Object.entries(people[username] ?? {})
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([dataset, level]) => {
        const held = { level, permissions: [] }
        return { ...held, dataset, version: undefined, beforeTerms: held, missingTerms: [] }
      })
  const snapshot = (username: string): Snapshot => ({
    ...{ account: account(username), parentNumericId: undefined, groups: [], managedGroups: [], terms: [], facts: [] },
    ...{ grants: grantsOf(username), revision: 1 },
  })
  return { principal, snapshot, access: accessOf({ slugs, snapshot }) }
}

function accessOf({
  slugs,
  snapshot,
}: {
  readonly slugs: readonly string[]
  snapshot(username: string): Snapshot
}): AccessFace {
  const dataset: AccessFace['dataset'] = async (name) => {
    const slug = typeof name === 'number' ? slugs[name - 1] : slugs.find((one) => one === name)
    if (slug === undefined) return undefined
    return {
      ...{
        slug,
        numericId: slugs.indexOf(slug) + 1,
        title: slug,
        description: '',
        visibility: 'listed',
        frozen: undefined,
      },
      ...{ aliases: [], versions: [], places: [], tables: [] },
    }
  }
  return {
    snapshot: async (id) => snapshot(id),
    anyone: async () => ({ grants: [], revision: 1 }),
    decide: async (ask) => {
      const known = slugs.includes(ask.dataset)
      const held = ask.account === undefined ? undefined : heldOn(snapshot(ask.account).grants, ask)
      const allowed = held !== undefined && covers(held, ask.verb)
      const step = known ? ({ step: 'grant' } as const) : ({ step: 'dataset', why: 'unknown' } as const)
      return { allowed, missing: allowed ? undefined : step, revision: 1 }
    },
    dataset,
    missingTerms: async () => [],
    datasetOfTable: async () => undefined,
    placesIn: async () => [],
    publicRoots: async () => [],
    terms: async () => undefined,
  }
}
