/**
 * A Labgate with workspaces in a process of its own, made to be killed. It does what it is told over IPC and says when it
 * is done. Arguments: folder of the data, folder of the runner, port, and what is laid over its config, as JSON.
 * @module
 */
import { join } from 'node:path'
import type { Part } from './labgate.ts'
import { obeyOrders } from './orders.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from './workspaces.ts'

const [, , data = '', places = '', port = '', over = '{}'] = process.argv
const { plugins = {}, profiles = {} } = JSON.parse(over) as Over
const gated = { ...testProfiles.notebook, command: [...testProfiles.notebook.command, join(places, 'gate')] }
const world: WorkspaceWorld = await workspaceWorld(
  { plugins, workspaces: { profiles: { ...testProfiles, gated, ...profiles } } },
  { data, places, port: Number(port) },
)
const { get } = world.site.labgate.rooms
const room = get('workspaces')

/** Further plugins and profiles. */
export interface Over {
  readonly plugins?: Part
  readonly profiles?: Part
}

/** What it is told to do. */
export interface Order {
  readonly do: 'request' | 'stop' | 'restart' | 'find' | 'look' | 'leads'
  readonly id?: string
  readonly profile?: string
}

obeyOrders(null, obey)

async function obey({ do: what, id = '', profile = 'notebook' }: Order): Promise<unknown> {
  const { alice, as } = world
  if (what === 'request') return (await room.request(as(alice), { account: alice, profile })).id
  if (what === 'stop') return (await room.stop(as(alice), id)).state
  if (what === 'restart') return (await room.restart(as(alice), id)).state
  if (what === 'find') return (await room.find(id))?.state
  if (what === 'leads') return get('storage').alone.holds()
  return room.look()
}
