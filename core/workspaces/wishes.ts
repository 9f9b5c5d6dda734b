/** What owners and admins may wish of a workspace. Each wish is written down, with its line in the audit trail, and then done. @module */
import { type AccountId, Fault, type Json } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, actorName } from '../accounts/actor.ts'
import type { AuditType } from '../observe/audit.ts'
import { newId } from '../random.ts'
import { WorkspaceEntity, WorkspaceGuestEntity, type WorkspaceRow } from '../storage/workspace-entities.ts'
import { workspaceIn } from '../storage/workspace-writes.ts'
import { admit, milliOf } from './admission.ts'
import { anew, imageNow } from './ending.ts'
import { leaseFrom, leasesIn } from './leases.ts'
import {
  ended,
  type Leases,
  type Profile,
  type Revealed,
  type Size,
  type Workspace,
  type WorkspaceAsk,
} from './model.ts'
import { drainedIn } from './places.ts'
import type { NewEvent, Patch } from './records.ts'
import { credentialToShow } from './reveal.ts'
import type { Room } from './room.ts'
import type { Supervisor } from './supervisor.ts'
import type { Workspaces } from './workspaces.ts'

/** What wishes stand on besides the room. */
export interface WishNeeds {
  readonly room: Room
  readonly supervisor: Supervisor
  /** Site admins may wish for others. */
  isAdmin(account: AccountId): Promise<boolean>
  mayStart(account: AccountId, profile: Profile): Promise<boolean>
  groupsOf(account: AccountId): Promise<readonly string[]>
}

type Wishes = Pick<
  Workspaces,
  'request' | 'stop' | 'restart' | 'extend' | 'reveal' | 'forceRemove' | 'forget' | 'invite' | 'uninvite'
>

/** Makes the wishes. */
export function createWishes(needs: WishNeeds): Wishes {
  const { room, supervisor } = needs
  const found = async (id: string): Promise<Workspace> => (await room.records.find(id)) ?? refuse()
  const wish = async (actor: Actor, id: string, make: (row: WorkspaceRow, em: EntityManager) => Promise<Wish>) => {
    const leave = await leaveOf(needs, actor)
    await room.storage.transaction(async (em) => {
      const row = await workspaceIn(em, id)
      if (row === undefined || !leave(row.account)) return refuse()
      const { patch = {}, events = [], ...line } = await make(row, em)
      await room.records.updateIn(em, id, patch, events)
      await note(room, em, actor, { account: row.account, workspace: id, ...line })
    })
    return found(id)
  }
  return {
    async request(actor, ask) {
      const made = await request(needs, actor, ask)
      const asked = await found(made)
      supervisor.wake(made)
      return asked
    },
    async stop(actor, id, { why } = {}) {
      const after = await wish(actor, id, async (row) => {
        assertRuns(row)
        return { type: 'workspace.stopped', patch: stopOf(actor, row), detail: detailOf(why) }
      })
      // What is being taken away already is not broken off.
      if (after.state === 'stopping') supervisor.wake(id)
      else supervisor.interrupt(id)
      return after
    },
    async restart(actor, id) {
      const before = await room.records.row(id)
      const groups = before ? await needs.groupsOf(before.account) : []
      const leave = await leaveOf(needs, actor)
      if (before && leave(before.account)) await assertMayStart(needs, before)
      const leases = await leasesIn(room)
      const after = await wish(actor, id, async (row, em) => {
        if (row.wanted === 'removed' && !row.endedAt) throw new Fault('ERR_CONFLICT', 'It is being removed.')
        if (!row.endedAt) return { type: 'workspace.restarted', patch: { wanted: 'stopped', stopReason: 'restart' } }
        return { type: 'workspace.restarted', ...(await again(needs, em, { row, groups, leases })) }
      })
      if (after.state === 'stopping') supervisor.wake(id)
      else supervisor.interrupt(id)
      return after
    },
    async extend(actor, id) {
      const leases = await leasesIn(room)
      return wish(actor, id, async (row) => extension(room, row, leases))
    },
    async reveal(actor, id) {
      let revealed: Revealed | undefined
      await wish(actor, id, async (row) => {
        if (actor.kind === 'account' && actor.account !== row.account)
          throw new Fault('ERR_FORBIDDEN', 'The credential of a workspace is shown to its owner alone.')
        revealed = credentialToShow(room, row)
        return { type: 'workspace.revealed', patch: { directShownAt: room.clock.now() } }
      })
      return revealed ?? refuse()
    },
    async forceRemove(actor, id, why) {
      if (actor.kind === 'account' && !(await needs.isAdmin(actor.account)))
        throw new Fault('ERR_FORBIDDEN', 'This needs a site admin.')
      const after = await wish(actor, id, async (row) => {
        assertRuns(row)
        return { type: 'workspace.removed', patch: { wanted: 'removed', stopReason: 'admin' }, detail: detailOf(why) }
      })
      supervisor.interrupt(id)
      return after
    },
    async forget(actor, id) {
      const leave = await leaveOf(needs, actor)
      await room.storage.transaction(async (em) => {
        const row = await workspaceIn(em, id)
        if (row === undefined || !leave(row.account)) return refuse()
        if (!row.endedAt) throw new Fault('ERR_CONFLICT', 'It has not ended. Stop it first.')
        await note(room, em, actor, { account: row.account, workspace: id, type: 'workspace.forgotten' })
        await em.nativeDelete(WorkspaceEntity, { id })
      })
    },
    async invite(actor, id, guest) {
      if ((await room.accounts.find(guest))?.kind !== 'person')
        throw new Fault('ERR_NOT_FOUND', 'There is no such person.')
      if (!room.config.origin?.includes('://*.'))
        throw new Fault('ERR_CONFLICT', 'Workspaces share one origin here, so nobody else can be let into one safely.')
      await wish(actor, id, async (row, em) => {
        assertRuns(row)
        if (row.account === guest) throw new Fault('ERR_INPUT', 'It is theirs already.')
        await em.upsert(WorkspaceGuestEntity, { workspace: id, account: guest, invitedAt: room.clock.now() })
        return { type: 'workspace.guest-added', detail: { guest } }
      })
    },
    async uninvite(actor, id, guest) {
      await wish(actor, id, async (_, em) => {
        const count = await em.nativeDelete(WorkspaceGuestEntity, { workspace: id, account: guest })
        if (count === 0) throw new Fault('ERR_NOT_FOUND', 'They were not let in.')
        return { type: 'workspace.guest-removed', detail: { guest } }
      })
    },
  }
}

/** Why it ended is not said anew by whoever comes late, unless it was to come back. */
function stopOf(actor: Actor, { account, wanted, stopReason }: WorkspaceRow): Patch {
  const reason = actor.kind === 'account' && actor.account === account ? 'owner' : 'admin'
  if (wanted === 'running' || stopReason === 'restart') return { wanted: 'stopped', stopReason: reason }
  return {}
}

/** A start anew is a start: whoever may no longer, does not by way of an old one. */
async function assertMayStart(
  needs: WishNeeds,
  row: Pick<WorkspaceRow, 'account' | 'profile' | 'size'>,
): Promise<Profile> {
  const { room } = needs
  const profile = room.profiles.get(row.profile)
  if (profile === undefined || !profile.sizes.some(({ name }) => name === row.size))
    throw new Fault('ERR_CONFLICT', 'This app is not offered any more. Start another one.')
  if (!(await room.accounts.mayAct(row.account)))
    throw new Fault('ERR_FORBIDDEN', 'This account may not act at the moment.')
  if (!(await needs.mayStart(row.account, profile)))
    throw new Fault('ERR_FORBIDDEN', 'There is no such app for you to start.')
  await assertOpen(room, profile)
  return profile
}

async function assertOpen(room: Room, profile: Profile): Promise<void> {
  room.places.of(profile)
  if ((await drainedIn(room.storage.settings)).includes(profile.runner))
    throw new Fault('ERR_CONFLICT', 'The place where this runs takes nothing new at the moment.')
}

/** Starts under way cost the most; more than so many at once would be late together. */
async function assertCalm(room: Room, em: EntityManager): Promise<void> {
  const [row] = await em.execute<{ starting: number }[]>(
    `select count(*) as starting from workspace where state in ('requested', 'reserved', 'starting')`,
  )
  if (Number(row?.starting ?? 0) >= room.config.starting)
    throw new Fault('ERR_RATE', 'Many workspaces are being started just now. Try again in a minute.', {
      retryAfterSeconds: 30,
    })
}

/** What a wish does. */
interface Wish {
  readonly type: AuditType
  readonly patch?: Patch
  readonly events?: readonly NewEvent[]
  readonly detail?: Readonly<Record<string, Json>>
}

/** Whoever may not even look is told the same as about one that is not there. */
function refuse(): never {
  throw new Fault('ERR_NOT_FOUND', 'There is no such workspace.')
}

/** Asked before the transaction, which must stay short. */
async function leaveOf({ isAdmin, room }: WishNeeds, actor: Actor): Promise<(owner: AccountId) => boolean> {
  if (actor.kind === 'system') return () => true
  const [mayAct, admin] = [await room.accounts.mayAct(actor.account), await isAdmin(actor.account)]
  return (owner) => mayAct && (admin || owner === actor.account)
}

function assertRuns({ endedAt }: WorkspaceRow): void {
  if (endedAt) throw new Fault('ERR_CONFLICT', 'It has ended already.')
}

function detailOf(why: string | undefined): Readonly<Record<string, Json>> {
  return why === undefined || why === '' ? {} : { why: why.slice(0, 500) }
}

/** The line in the audit trail, in the transaction of what it tells. */
export async function note(
  room: Room,
  em: EntityManager,
  actor: Actor,
  line: { type: AuditType; account?: AccountId; workspace?: string; detail?: Readonly<Record<string, Json>> },
): Promise<void> {
  const { type, account, workspace, detail = {} } = line
  const from = actor.kind === 'account' ? { address: actor.address, requestId: actor.requestId } : {}
  const target = workspace === undefined ? {} : { workspace }
  const event = { type, account, actor: actorName(actor), ...from, detail: { ...target, ...detail } }
  await room.storage.audit.appendIn(em, event)
  room.storage.afterCommit(() => room.log.info({ audit: type, ...event }, 'audit'))
}

async function request(needs: WishNeeds, actor: Actor, ask: WorkspaceAsk): Promise<string> {
  const { room } = needs
  if (!(await leaveOf(needs, actor))(ask.account))
    throw new Fault('ERR_FORBIDDEN', 'A workspace is started by its owner.')
  if (!(await room.accounts.mayAct(ask.account)))
    throw new Fault('ERR_FORBIDDEN', 'This account may not act at the moment.')
  const { profile, size, image } = await chosen(needs, ask)
  const groups = await needs.groupsOf(ask.account)
  const lease = leaseFrom(room.clock.now(), profile, await leasesIn(room))
  const id = newWorkspaceId(room)
  await room.storage.transaction(async (em) => {
    await assertCalm(room, em)
    await admit(em, { account: ask.account, groups, limits: size.limits }, room.config.quotas)
    const row = {
      ...anew,
      ...{ id, account: ask.account, profile: profile.name, runner: profile.runner, size: size.name },
      ...{ image: image ?? null, title: titleOf(ask.title, profile), ...shareOf(size), ...lease },
      createdAt: room.clock.now(),
    }
    await room.records.insertIn(em, row, [{ kind: 'requested' }, { kind: 'reserved' }])
    const detail = { profile: profile.name, size: size.name, runner: profile.runner }
    await note(room, em, actor, { type: 'workspace.requested', account: ask.account, workspace: id, detail })
  })
  return id
}

/** What is asked for, held against what is offered: a form's choices are no check. */
async function chosen(
  needs: WishNeeds,
  ask: WorkspaceAsk,
): Promise<{ profile: Profile; size: Size; image: string | undefined }> {
  const profile = needs.room.profiles.get(ask.profile)
  if (profile === undefined || !(await needs.mayStart(ask.account, profile)))
    throw new Fault('ERR_FORBIDDEN', 'There is no such app for you to start.')
  const size = profile.sizes.find(({ name }) => ask.size === undefined || name === ask.size)
  if (size === undefined) throw new Fault('ERR_INPUT', `This app has no size “${ask.size}”.`)
  const image = ask.image ?? profile.images[0]
  if (image !== undefined && !profile.images.includes(image))
    throw new Fault('ERR_INPUT', 'This image is not among those that may be started.')
  await assertOpen(needs.room, profile)
  return { profile, size, image }
}

function titleOf(title: string | undefined, profile: Profile): string {
  const line = (title ?? '')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, 100)
  return line === '' ? profile.title : line
}

/** Small letters and digits, beginning with a letter: part of host names and of names at engines. */
function newWorkspaceId({ random }: Room): string {
  return `w${newId(random, 15).toLowerCase()}`
}

/** One that has ended begins anew: what it may have is weighed again. */
async function again(
  { room }: WishNeeds,
  em: EntityManager,
  { row, groups, leases }: { row: WorkspaceRow; groups: readonly string[]; leases: Leases },
): Promise<Pick<Wish, 'patch' | 'events'>> {
  const profile = room.profiles.get(row.profile)
  const size = profile?.sizes.find(({ name }) => name === row.size)
  if (profile === undefined || size === undefined)
    throw new Fault('ERR_CONFLICT', 'This app is not offered any more. Start another one.')
  await assertCalm(room, em)
  await admit(em, { account: row.account, groups, limits: size.limits }, room.config.quotas)
  const { runner } = profile
  const lease = leaseFrom(room.clock.now(), profile, leases)
  const patch = { ...anew, runner, image: imageNow(row, profile), ...shareOf(size), ...lease }
  return { patch, events: [{ kind: 'reserved' }] }
}

function shareOf({ limits }: Size) {
  return { limits: limits as unknown as Json, memoryBytes: limits.memoryBytes ?? 0, milliCpus: milliOf(limits) }
}

function extension({ clock }: Room, row: WorkspaceRow, { extensionSeconds }: Leases): Wish {
  if (ended.includes(row.state) || row.wanted !== 'running')
    throw new Fault('ERR_CONFLICT', 'It does not run any more.')
  const end = Math.min(row.leaseLimitAt.getTime(), clock.now().getTime() + extensionSeconds * 1000)
  if (end <= row.leaseEndsAt.getTime())
    throw new Fault(
      'ERR_CONFLICT',
      row.leaseEndsAt >= row.leaseLimitAt
        ? 'It has run as long as it may. Start a new one when it has ended; what you saved is kept.'
        : 'It runs that long already.',
    )
  const leaseEndsAt = new Date(end)
  return {
    type: 'workspace.extended',
    patch: { leaseEndsAt, warnedAt: null },
    events: [{ kind: 'extended', text: leaseEndsAt.toISOString() }],
    detail: { until: leaseEndsAt.toISOString() },
  }
}
