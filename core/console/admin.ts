/** The console: its rooms, who may enter which, and the first page. @module */
import type { Rights, Stewards } from '../access/stewards.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import { holding } from '../workspaces/model.ts'
import { type AccountsNeeds, accountConsoleRoutes } from './accounts.ts'
import { quotaRoutes } from './admin-quotas.ts'
import { usageRoutes } from './admin-usage.ts'
import { adminWorkspaceRoutes } from './admin-workspace.ts'
import { newWorkspaceRoutes } from './admin-workspace-new.ts'
import { adminWorkspacesRoutes, type ConsoleWorkspacesNeeds } from './admin-workspaces.ts'
import { type ConsoleFrame, createFrame } from './frame.ts'
import { mayInvite } from './invitations.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { ledgerConsoleRoutes } from './ledger-rooms.ts'
import { type PeopleNeeds, peopleConsoleRoutes } from './people.ts'
import { keepsDatasets, keptDatasets, seenDatasets, seesDatasets, seesGrants } from './scope.ts'

/** What the console stands on. */
export interface ConsoleNeeds extends PeopleNeeds, LedgerConsoleNeeds, AccountsNeeds, ConsoleWorkspacesNeeds {
  readonly desk: Desk
  readonly ledger: LedgerConsoleNeeds['ledger']
  readonly groups: PeopleNeeds['groups']
  readonly tokens: PeopleNeeds['tokens']
  readonly serviceAccounts: PeopleNeeds['serviceAccounts']
  readonly trail: LedgerConsoleNeeds['trail']
  readonly door: Door
  readonly stewards: Pick<Stewards, 'rightsOf'>
  /** Changes ask for a sign-in that is not older. */
  readonly freshSeconds: number
}

interface Room {
  readonly name: string
  readonly may: (rights: Rights) => boolean
}

/** Every room in its order, and for whom it is. */
const rooms: readonly Room[] = [
  { name: 'datasets', may: seesDatasets },
  { name: 'grants', may: seesGrants },
  { name: 'requests', may: keepsDatasets },
  { name: 'terms', may: keepsDatasets },
  { name: 'people', may: ({ admin }) => admin },
  { name: 'waiting', may: ({ admin }) => admin },
  { name: 'invitations', may: mayInvite },
  { name: 'groups', may: ({ admin, groups }) => admin || groups.length > 0 },
  { name: 'service-accounts', may: ({ admin }) => admin },
  { name: 'tokens', may: ({ admin }) => admin },
  { name: 'clients', may: ({ admin }) => admin },
  { name: 'workspaces', may: ({ admin }) => admin },
  { name: 'audit', may: ({ admin }) => admin },
  { name: 'explain', may: keepsDatasets },
  { name: 'sandbox', may: ({ admin }) => admin },
]

/** The rooms that these rights open; that of workspaces only where there are `profiles`. */
export function roomsOf(
  rights: Rights,
  profiles: readonly string[],
): readonly { readonly name: string; readonly href: string }[] {
  const offered = rooms.filter(({ name }) => name !== 'workspaces' || profiles.length > 0)
  const open = offered.filter(({ may }) => may(rights)).map(({ name }) => ({ name, href: `/console/${name}` }))
  return [{ name: 'start', href: '/console' }, ...open]
}

/** Every route under `/console`. */
export function consoleRoutes(needs: ConsoleNeeds): Route[] {
  const frame = createFrame({
    desk: needs.desk,
    door: needs.door,
    stewards: { rightsOf: (account) => needs.stewards.rightsOf(account) },
    freshSeconds: needs.freshSeconds,
    rooms: (rights) => roomsOf(rights, needs.profiles),
    waiting: (rights) => waiting(needs, rights),
  })
  return [
    ...frame.routes,
    homeRoute(frame, needs),
    ...ledgerConsoleRoutes(frame, needs),
    ...accountConsoleRoutes(frame, needs),
    ...peopleConsoleRoutes(frame, needs),
    ...(needs.profiles.length > 0 ? workspaceConsoleRoutes(frame, needs) : []),
  ]
}

function workspaceConsoleRoutes(frame: ConsoleFrame, needs: ConsoleNeeds): Route[] {
  return [
    ...adminWorkspacesRoutes(frame, needs),
    ...newWorkspaceRoutes(frame, needs),
    ...adminWorkspaceRoutes(frame, needs),
    ...quotaRoutes(frame, needs),
    ...usageRoutes(frame, needs),
  ]
}

async function waiting({ ledger, directory }: ConsoleNeeds, rights: Rights): Promise<Record<string, number>> {
  const datasets = keptDatasets(rights)
  const requests = async () => (await ledger.requests.list({ state: 'open', datasets, limit: 1 })).total
  const people = async () => (await directory.list({ state: 'pending', kind: 'person', limit: 1 })).total
  return {
    ...(keepsDatasets(rights) ? { requests: await requests() } : {}),
    ...(rights.admin ? { waiting: await people() } : {}),
  }
}

function homeRoute(frame: ConsoleFrame, needs: ConsoleNeeds): Route {
  return frame.page('/console', async (ctx, visit) => {
    const { rights } = visit
    const { ledger } = needs
    const may = new Set(roomsOf(rights, needs.profiles).map(({ name }) => name))
    const open = async (name: string, count: () => Promise<{ readonly total: number }>) =>
      may.has(name) ? [{ name, count: (await count()).total }] : []
    const slugs = seenDatasets(rights)
    const cards = [
      ...Object.entries(await waiting(needs, rights)).map(([name, count]) => ({ name, count })),
      ...(await open('people', () => needs.directory.list({ limit: 1 }))),
      ...(await open('datasets', () => ledger.datasets.list({ slugs, limit: 1 }))),
      ...(await open('workspaces', () => needs.workspaces.list({ states: holding, limit: 1 }))),
      ...(await open('grants', () => ledger.grants.list({ seenBy: rights, state: 'current', limit: 1 }))),
    ]
    frame.show(ctx, 'console-home', {
      frame: await frame.frame(ctx, visit, 'start'),
      cards: cards.map((card) => ({ ...card, href: `/console/${card.name}` })),
      shortcuts: [
        ...(rights.admin ? [{ name: 'newDataset', href: '/console/datasets/new' }] : []),
        ...(may.has('grants') ? [{ name: 'newGrant', href: '/console/grants/new' }] : []),
        ...(may.has('invitations') ? [{ name: 'newInvitation', href: '/console/invitations/new' }] : []),
        ...(may.has('explain') ? [{ name: 'explain', href: '/console/explain' }] : []),
        { name: 'ownAccess', href: '/account/access' },
      ],
    })
  })
}
