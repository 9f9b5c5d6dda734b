/**
 * One of several Labgates on one PostgreSQL, in a process of its own. Argument: what it is started with, as JSON. Orders
 * come by IPC, and so do answers.
 * @module
 */
import { loadedConfig, type Part, startLabgate } from './labgate.ts'
import { obeyOrders } from './orders.ts'

interface Start {
  readonly folder: string
  readonly port: number
  readonly part: Part
}

/** What it is told to do. */
export type Order =
  /** Puts a config in the place of its own: the same, with this laid over it. */
  | { readonly do: 'reload'; readonly part: Part }
  /** Deletes what has expired, to the end; answers how many rows it were. */
  | { readonly do: 'clean' }
  /** Whether it looks after workspaces. */
  | { readonly do: 'leads' }

const { folder, port, part } = JSON.parse(process.argv[2] ?? '{}') as Start
const { labgate, issuer, firstAdminCode } = await startLabgate(part, { folder, port })

obeyOrders<Order>({ firstAdminCode }, async (order) => {
  const storage = labgate.rooms.get('storage')
  if (order.do === 'leads') return storage.alone.holds()
  if (order.do === 'reload')
    return labgate.reload(async () => loadedConfig({ ...part, ...order.part }, { issuer, folder, port }))
  let sum = 0
  for (let count = -1; count !== 0; sum += count) count = await storage.cleaner.step(50)
  return sum
})
