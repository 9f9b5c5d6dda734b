/** The console: its rooms, who may enter which, and the first page. @module */
import type { Access } from '../access/access.ts'
import type { Ledger } from '../access/ledger.ts'
import type { Rights, Stewards } from '../access/stewards.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Route } from '../http/routes.ts'
import type { Door } from '../login/door.ts'
import type { AuthzInstance } from '../registry/instance.ts'
import { type ConsoleFrame, createFrame } from './frame.ts'
import { type PeopleNeeds, peopleConsoleRoutes } from './people.ts'
import { seenDatasets } from './scope.ts'

/** What the console stands on. */
export interface ConsoleNeeds extends PeopleNeeds {
  readonly door: Door
  readonly stewards: Pick<Stewards, 'rightsOf'>
  readonly ledger: Ledger
  readonly access: Access
  readonly accounts: Accounts
  /** Whose answers are shown beside an explanation. */
  readonly dialects: readonly Pick<AuthzInstance, 'id' | 'plugin' | 'adapter'>[]
  /** Changes ask for a sign-in that is not older. */
  readonly freshSeconds: number
}

interface Room {
  readonly name: string
  readonly may: (rights: Rights) => boolean
}

const keepsDatasets = ({ admin, steering, datasets }: Rights) => admin || steering || datasets.length > 0
const keepsDataset = ({ admin, datasets }: Rights) => admin || datasets.length > 0

/** Every room in its order, and for whom it is. */
const rooms: readonly Room[] = [
  { name: 'datasets', may: keepsDatasets },
  { name: 'grants', may: (rights) => keepsDatasets(rights) || isTeamLead(rights) },
  { name: 'requests', may: keepsDataset },
  { name: 'terms', may: keepsDataset },
  { name: 'groups', may: ({ admin, groups }) => admin || groups.length > 0 },
  { name: 'service-accounts', may: ({ admin }) => admin },
  { name: 'tokens', may: ({ admin }) => admin },
  { name: 'audit', may: ({ admin }) => admin },
  { name: 'explain', may: keepsDataset },
]

function isTeamLead({ managed, groups }: Rights): boolean {
  return managed.length > 0 && groups.length > 0
}

/** The rooms that these rights open. */
export function roomsOf(rights: Rights): readonly { readonly name: string; readonly href: string }[] {
  const open = rooms.filter(({ may }) => may(rights)).map(({ name }) => ({ name, href: `/console/${name}` }))
  return [{ name: 'start', href: '/console' }, ...open]
}

/** Every route under `/console`. */
export function consoleRoutes(needs: ConsoleNeeds): Route[] {
  const frame = createFrame({
    desk: needs.desk,
    door: needs.door,
    stewards: { rightsOf: (account) => needs.stewards.rightsOf(account) },
    freshSeconds: needs.freshSeconds,
    rooms: roomsOf,
    waiting: (rights) => waiting(needs, rights),
  })
  return [...frame.routes, homeRoute(frame, needs), ...peopleConsoleRoutes(frame, needs)]
}

async function waiting({ ledger }: ConsoleNeeds, rights: Rights): Promise<number> {
  if (!keepsDataset(rights)) return 0
  const datasets = rights.admin ? undefined : rights.datasets
  return (await ledger.requests.list({ state: 'open', datasets, limit: 1 })).total
}

function homeRoute(frame: ConsoleFrame, needs: ConsoleNeeds): Route {
  return frame.page('/console', async (ctx, visit) => {
    const { rights } = visit
    const { ledger } = needs
    const may = new Set(roomsOf(rights).map(({ name }) => name))
    const open = async (name: string, count: () => Promise<{ readonly total: number }>) =>
      may.has(name) ? [{ name, count: (await count()).total }] : []
    const slugs = seenDatasets(rights)
    const cards = [
      ...(may.has('requests') ? [{ name: 'requests', count: await waiting(needs, rights) }] : []),
      ...(await open('datasets', () => ledger.datasets.list({ slugs, limit: 1 }))),
      ...(may.has('datasets')
        ? await open('grants', () => ledger.grants.list({ datasets: slugs, state: 'current', limit: 1 }))
        : []),
    ]
    frame.show(ctx, 'console-home', {
      frame: await frame.frame(ctx, visit, 'start'),
      cards: cards.map((card) => ({ ...card, href: `/console/${card.name}` })),
      shortcuts: [
        ...(rights.admin ? [{ name: 'newDataset', href: '/console/datasets/new' }] : []),
        ...(may.has('grants') ? [{ name: 'newGrant', href: '/console/grants/new' }] : []),
        ...(may.has('explain') ? [{ name: 'explain', href: '/console/explain' }] : []),
        { name: 'ownAccess', href: '/account/access' },
      ],
    })
  })
}
