/** The tables of datascience-launchpad, in our words. Its codes and the passwords of its containers are never read. @module */
import type { Found, FoundGroup, FoundMember, FoundPerson } from './model.ts'
import { addressOf, createNotebook, createSlugs, isTrue, lineOf, type Notebook, withoutDoubles } from './reading.ts'
import type { Tables, Wanted } from './tables.ts'

/** What is read; the first column of each names its rows. */
export const launchpadTables: Wanted = {
  users: ['id', 'email', 'is_admin', 'lab_name'],
  user_instances: ['id', 'user_id', 'container_name', 'status'],
}

/** Without these it is no launchpad. */
export const launchpadNeeds = ['users', 'user_instances']

/** Everything in the tables. */
export function readLaunchpad(tables: Tables): Found {
  const notes = createNotebook()
  const people = withoutDoubles(readPeople(tables, notes), notes)
  const known = new Set(people.map(({ key }) => key))
  for (const { user_id, container_name, status } of tables.rows('user_instances'))
    if (status === 'running' && known.has(user_id ?? ''))
      notes.add('do', 'containers that run there: stop them before folders are moved', lineOf(container_name, 80))
  return {
    people,
    ...readLabs(tables, { known, notes }),
    ...{ programs: [], managers: [], datasets: [], roots: [], terms: [], acceptances: [], grants: [] },
    notes: notes.notes,
    problems: [],
  }
}

function readPeople(tables: Tables, notes: Notebook): FoundPerson[] {
  return [...tables.rows('users')].flatMap((row): FoundPerson[] => {
    const [key, email] = [row.id ?? '', addressOf(row.email)]
    if (email === undefined) {
      // The first admin is named by INITIAL_ADMIN_USERNAME, which need not be an address.
      notes.add('lost', 'people whose address is none that can sign in', `user ${key}`)
      return []
    }
    if (isTrue(row.is_admin)) notes.add('do', 'site admins there; name them in `admins` of the config file', email)
    // No service knows people of the portal by number.
    const displayName = email.split('@')[0] ?? email
    return [{ key, names: [email], email, displayName, number: undefined, state: 'active' }]
  })
}

/** Labs as groups of a name of their own: people chose them by themselves, so nobody may come into another group by that. */
function readLabs(
  tables: Tables,
  { known, notes }: { known: ReadonlySet<string>; notes: Notebook },
): Pick<Found, 'groups' | 'members'> {
  const slugs = createSlugs(60)
  const groups = new Map<string, FoundGroup>()
  const members: FoundMember[] = []
  for (const { id, lab_name } of tables.rows('users')) {
    const title = lineOf(lab_name)
    if (title === '' || !known.has(id ?? '')) continue
    const group = groups.get(title) ?? { key: title, slug: `lab-${slugs(title)}`, title }
    if (!groups.has(title))
      notes.add('mind', 'labs that people chose themselves: look before you grant them', group.slug)
    groups.set(title, group)
    members.push({ group: title, who: { kind: 'person', key: id ?? '' } })
  }
  return { groups: [...groups.values()], members }
}

/** Keys of people who have a container that runs: what they have open is not moved. */
export function runningKeys(tables: Tables): ReadonlySet<string> {
  const rows = [...tables.rows('user_instances')]
  return new Set(rows.flatMap(({ user_id, status }) => (status === 'running' && user_id ? [user_id] : [])))
}
