/** The last step of a load: `create` with the kind's context, and what it returned checked. @module */
import type { AuthMethod, AuthzAdapter, Json, Runner, SignIn } from '@labgate/contract'
import { authContext, authzContext, type Place, redirectUriOf, runnerContext, type Services } from './context.ts'
import type { Instance, InstanceName } from './instance.ts'
import type { Prepared } from './prepare.ts'
import { messageOf, type Outcome, refuse } from './problem.ts'
import { handlerProblems } from './routes.ts'
import { createdProblems } from './shape.ts'

/** What all instances share. */
export interface Surroundings {
  readonly issuer: string
  readonly siteName: string
  /** The services of one instance; asked once each. */
  contextFor(instance: InstanceName, config: unknown): Services
  signIns(): readonly SignIn[]
}

/** Creates one instance; nothing of it is opened. */
export function create(prepared: Prepared, surroundings: Surroundings): Outcome<Instance> {
  const name = { id: prepared.subject.id, kind: prepared.plugin.kind, plugin: prepared.plugin.name }
  const place = placeOf(prepared, surroundings)
  try {
    const created = createOf(prepared, surroundings.contextFor(name, prepared.config), place)
    const problems = [
      ...createdProblems(name.kind, created),
      ...handlersOf(prepared, created),
      ...jobsOf(prepared, created),
    ]
    if (problems.length > 0) return refuse(prepared.subject, problems)
    return { value: instanceOf(prepared, created, place) }
  } catch (cause) {
    return refuse(prepared.subject, [`\`create\` failed: ${messageOf(cause)}`], cause)
  }
}

type Created = AuthMethod | AuthzAdapter | Runner<Json>

function createOf({ plugin }: Prepared, services: Services, place: Place): Created {
  // Each context's config was checked against this very plugin's schema, which `never` stands for.
  if (plugin.kind === 'auth') return plugin.create(authContext(services, place) as never)
  if (plugin.kind === 'authz') return plugin.create(authzContext(services, place) as never)
  return plugin.create(runnerContext(services, place) as never)
}

function handlersOf({ plugin, routes }: Prepared, created: Created): readonly string[] {
  if (plugin.kind !== 'authz') return []
  const claims = routes.map(({ claim }) => claim)
  return handlerProblems(claims, 'handlers' in created ? created.handlers : undefined)
}

function jobsOf({ entry }: Prepared, created: Created): readonly string[] {
  if (!entry.jobs.enabled || ('redeem' in created && created.redeem !== undefined)) return []
  return ['`jobs` cannot be enabled: this plugin takes nothing from a program without a browser (it has no `redeem`)']
}

function placeOf({ subject, entry, config, text }: Prepared, { issuer, siteName, signIns }: Surroundings): Place {
  const { protocol, origin } = new URL(issuer)
  const prefix = (entry.prefix ?? '').replace(/\/+$/, '')
  const ownOrigin = entry.host === undefined ? origin : new URL(`${protocol}//${entry.host}`).origin
  return { id: subject.id, config, text, issuer, siteName, origin: ownOrigin, prefix, signIns }
}

function instanceOf(prepared: Prepared, created: Created, place: Place): Instance {
  const { plugin, entry, subject, text, routes, callbackPaths } = prepared
  const loaded = {
    id: subject.id,
    plugin: plugin.name,
    use: entry.use,
    optional: entry.optional,
    realm: entry.realm ?? subject.id,
    entry,
    text,
  }
  const { origin, prefix } = place
  // The kind says what `create` returned; `createdProblems` has looked at its members.
  if (plugin.kind === 'auth') {
    const redirectUri = redirectUriOf(place.issuer, subject.id)
    const { admission, groups } = entry
    return { ...loaded, kind: 'auth', method: created as AuthMethod, admission, groups, redirectUri, callbackPaths }
  }
  if (plugin.kind === 'authz') {
    const { host, home } = entry
    return { ...loaded, kind: 'authz', adapter: created as AuthzAdapter, routes, origin, host, prefix, home }
  }
  return { ...loaded, kind: 'runner', runner: created as Runner<Json> }
}
