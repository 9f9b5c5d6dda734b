/**
 * Organisations by their immutable ids. A name in the config is looked up once and its id kept, so that whoever takes the
 * name later gets nothing with it.
 * @module
 */
import type { Api } from './api.ts'
import type { Context } from './config.ts'
import { fieldsOf, isId } from './person.ts'
import type { OrganizationRef } from './settings.ts'

/** An organisation as GitHub names it today. */
export interface Organization {
  readonly id: number
  readonly login: string
}

/** An organisation of the config; without an id, GitHub knew none by that name. */
export interface Listed {
  readonly id: number | undefined
  /** As the config names it. */
  readonly given: string
}

/** Reads an organisation out of GitHub's JSON; `undefined`: there is none. */
export function organizationIn(json: unknown): Organization | undefined {
  const { id, login } = fieldsOf(json)
  return isId(id) && typeof login === 'string' && login !== '' ? { id, login } : undefined
}

/** Ten years: the answer is meant to stay. */
const keepSeconds = 315_360_000

/** The ids of organisations in the config; a name is asked for once in the instance's life, with a warning. */
export function resolveAll(
  refs: readonly OrganizationRef[],
  needs: { readonly context: Context; readonly api: Api },
): Promise<readonly Listed[]> {
  return Promise.all(
    refs.map(async (ref) =>
      'id' in ref ? { id: ref.id, given: `#${ref.id}` } : { id: await idOf(ref.name, needs), given: ref.name },
    ),
  )
}

async function idOf(
  name: string,
  { context, api }: { readonly context: Context; readonly api: Api },
): Promise<number | undefined> {
  const { store, log, id: instance } = context
  const key = `organization ${name.toLowerCase()}`
  const known = await store.get(key)
  if (isId(known)) return known
  return store.lock(key, async () => {
    const meanwhile = await store.get(key)
    if (isId(meanwhile)) return meanwhile
    const answer = await api.get(`/orgs/${encodeURIComponent(name)}`)
    const found = 'hidden' in answer ? undefined : organizationIn(answer.json)
    if (found === undefined) {
      log.warn({ instance, organization: name }, 'GitHub shows no organisation of this name: it lets nobody in')
      return undefined
    }
    await store.put(key, found.id, keepSeconds)
    const words = `a name can change hands: write the id ${found.id} instead of "${name}"; until then this id is meant`
    log.warn({ instance, organization: name, id: found.id }, words)
    return found.id
  })
}

/** What an organisation is called today, by its id; `undefined`: it is gone, or hidden. */
export async function loginOf(api: Api, id: number): Promise<string | undefined> {
  // The list of all organisations is the one documented way from an id to a name.
  const answer = await api.get(`/organizations?since=${id - 1}&per_page=1`)
  if ('hidden' in answer || !Array.isArray(answer.json)) return undefined
  const found = organizationIn(answer.json[0])
  return found?.id === id ? found.login : undefined
}
