/**
 * Ways past the proxy: a port of this machine for each workspace whose profile has that, bytes handed on as they are. Who
 * may come in is for the app to ask. Only a port that could be bound counts as free, whatever the records say.
 * @module
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { createLane, type Lane } from './lane.ts'
import type { DirectRule, DirectWay } from './model.ts'
import type { NewEvent } from './records.ts'
import { type DirectWays, innerPath, type Room } from './room.ts'
import { isUp } from './way.ts'

/** What it stands on besides the room: whom traffic is told to. */
export interface DirectNeeds {
  readonly room: Pick<Room, 'records' | 'places' | 'profiles' | 'clock' | 'log'>
  touch(id: string): void
}

interface Door {
  readonly sockets: Set<Socket>
  server: Server | undefined
  isClosed: boolean
}

interface Own extends DirectNeeds {
  readonly doors: Map<string, Door>
  /** Those whose page says already that there is no port. */
  readonly full: Set<string>
}

/** Makes them. */
export function createDirectWays(needs: DirectNeeds): DirectWays {
  const own: Own = { ...needs, doors: new Map(), full: new Set() }
  const close = (id: string) => {
    const door = own.doors.get(id)
    own.doors.delete(id)
    own.full.delete(id)
    if (door) shut(door)
  }
  const closeAll = () => {
    for (const id of [...own.doors.keys()]) close(id)
  }
  return {
    open: (row) => openFor(own, row),
    close,
    closeAll,
    async settle(rows) {
      const open = new Set(rows.filter(mayBeOpen).map(({ id }) => id))
      for (const id of [...own.doors.keys()]) if (!open.has(id)) close(id)
      for (const row of rows) if (open.has(row.id) && row.state !== 'starting') await openFor(own, row)
    },
  }
}

/** The way of a row, while there may be one. */
export function directOfRow(
  { profiles, addressOf }: Pick<Room, 'profiles' | 'addressOf'>,
  row: WorkspaceRow,
): DirectWay | undefined {
  const profile = profiles.get(row.profile)
  if (profile?.direct === undefined || !isUp(row)) return undefined
  const port = row.directPort ?? undefined
  const address = port === undefined ? undefined : addressAt(profile.direct, port)
  const path = `${innerPath(profile, addressOf(row.id).basePath)}${profile.landing}`
  return { address, path, shownAt: row.directShownAt ?? undefined }
}

function addressAt({ host }: DirectRule, port: number): string {
  return `${host}:${port}`
}

/** One that starts has its way before it is called ready. */
function mayBeOpen({ state, wanted, endedAt }: WorkspaceRow): boolean {
  return !endedAt && wanted === 'running' && ['starting', 'ready', 'idle', 'lost'].includes(state)
}

function shut(door: Door): void {
  door.isClosed = true
  door.server?.close()
  for (const socket of door.sockets) socket.destroy()
}

async function openFor(own: Own, { id, profile }: WorkspaceRow): Promise<void> {
  const { room, doors } = own
  const rule = room.profiles.get(profile)?.direct
  if (rule === undefined || doors.has(id)) return
  const door: Door = { sockets: new Set(), server: undefined, isClosed: false }
  doors.set(id, door)
  const giveUp = () => {
    if (doors.get(id) === door) doors.delete(id)
    shut(door)
  }
  try {
    // As it is now: whoever ends it from here on closes this door.
    const row = await room.records.row(id)
    if (row === undefined || !mayBeOpen(row)) return giveUp()
    const port = await bind(own, { row, rule, door })
    if (!(await note(own, { row, rule, port })) || port === undefined) giveUp()
  } catch (error) {
    giveUp()
    room.log.warn({ workspace: id, err: error }, 'the way past the proxy could not be opened')
  }
}

interface Opening {
  readonly row: WorkspaceRow
  readonly rule: DirectRule
}

/** Binds a port; `undefined` when none of the range can be had. */
async function bind(own: Own, { row, rule, door }: Opening & { door: Door }): Promise<number | undefined> {
  const lane = createLane({
    endpoint: async () => {
      const now = await own.room.records.row(row.id)
      if (now === undefined || !mayBeOpen(now) || now.leaseEndsAt <= own.room.clock.now())
        throw new Error('it does not run')
      return own.room.places.endpointOf(now)
    },
    onTraffic: () => own.touch(row.id),
  })
  const others = (await own.room.records.living()).flatMap(({ id, directPort }) =>
    id === row.id ? [] : [directPort ?? 0],
  )
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (client) =>
    admit(lane, { door, client, most: rule.connections }),
  )
  server.maxConnections = rule.connections
  for (const port of portsOf(rule, { before: row.directPort ?? undefined, others: new Set(others) })) {
    if (door.isClosed) return undefined
    if (!(await isBound(server, rule.bind, port))) continue
    server.on('error', (error) => own.room.log.warn({ workspace: row.id, err: error }, 'a way past the proxy failed'))
    door.server = server
    if (door.isClosed) server.close()
    return port
  }
  return undefined
}

/** The one it had; then those that nobody had; then what others had and may not need any more. */
function* portsOf(
  { from, to }: DirectRule,
  { before, others }: { before: number | undefined; others: ReadonlySet<number> },
): Generator<number> {
  if (before !== undefined && before >= from && before <= to) yield before
  for (const isOthers of [false, true])
    for (let port = from; port <= to; port++) if (port !== before && others.has(port) === isOthers) yield port
}

/** @throws what is wrong with the address itself */
function isBound(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      server.off('listening', bound)
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    }
    const bound = () => {
      server.off('error', failed)
      resolve(true)
    }
    server.once('error', failed)
    server.once('listening', bound)
    server.listen({ host, port, exclusive: true, ipv6Only: host.includes(':') })
  })
}

/** Writes down what became of it; `false` when it is not wanted any more. */
async function note(own: Own, { row, rule, port }: Opening & { port: number | undefined }): Promise<boolean> {
  const { room, full } = own
  if (port === undefined) {
    if (full.has(row.id)) return true
    full.add(row.id)
    room.log.warn({ workspace: row.id, from: rule.from, to: rule.to }, 'no port of the range is free')
  } else full.delete(row.id)
  if (port !== undefined && port === row.directPort) return true
  const isMoved = (row.directPort ?? undefined) !== undefined && port !== undefined
  const event: NewEvent =
    port === undefined
      ? { kind: 'direct-full' }
      : { kind: isMoved ? 'direct-moved' : 'direct', text: addressAt(rule, port) }
  return room.records.update(row.id, { directPort: port ?? null }, { events: [event], when: mayBeOpen })
}

/** A connection from outside: one address must not take all there are. */
function admit(lane: Lane, { door, client, most }: { door: Door; client: Socket; most: number }): void {
  const from = client.remoteAddress
  const sameFrom = [...door.sockets].filter(({ remoteAddress }) => remoteAddress === from).length
  if (door.isClosed || from === undefined || sameFrom >= Math.ceil(most / 2)) return void client.destroy()
  door.sockets.add(client)
  client.once('close', () => door.sockets.delete(client))
  lane.join(client)
}
