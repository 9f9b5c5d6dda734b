/** The console’s room for groups: admins see all of them, managers their own. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Group, Groups, Member } from '../accounts/groups.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { ConsoleFrame, FormChange, Visit } from './frame.ts'
import { gone } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { createWho, whoOf } from './who.ts'

/** What the room stands on. */
export interface GroupsNeeds {
  readonly desk: Desk
  readonly groups: Groups
}

const base = '/console/groups'
const addressOf = (slug: string) => `${base}/${encodeURIComponent(slug)}`
const may = ({ admin, groups }: Rights) => admin || groups.length > 0
const byAdmin = ({ admin }: Rights) => admin

/** Routes under `/console/groups`. */
export function groupRoutes(frame: ConsoleFrame, needs: GroupsNeeds): Route[] {
  const show = groupPages(frame, needs)
  return [
    frame.page(base, show.list, may),
    frame.page(`${base}/new`, (ctx, visit) => show.makeNew(ctx, visit), byAdmin),
    frame.page(`${base}/:slug`, (ctx, visit) => show.one(ctx, visit), may),
    ...groupForms(frame, needs, show),
  ]
}

/** The slug of the address, if it is the visitor’s to look after. */
function slugOf(ctx: Ctx, { rights }: Visit, desk: Desk): string {
  const slug = ctx.params.slug ?? ''
  return rights.admin || rights.groups.includes(slug) ? slug : gone(ctx, desk)
}

/** Groups and members, as the pages show them. */
function groupViews(frame: ConsoleFrame, desk: Desk) {
  const keeperOf = (ctx: Ctx, { source }: Pick<Group, 'source'>): string | undefined => {
    if (source === 'database' || source === 'import') return undefined
    if (source === 'config') return desk.text(ctx, 'console.groups.keptByConfig')
    return desk.text(ctx, 'console.groups.keptBySignIn', { method: desk.methods.label(source, desk.locale(ctx)) })
  }
  const lineOf = (ctx: Ctx, group: Group) => ({ ...group, keeper: keeperOf(ctx, group) })
  const sourceText = (ctx: Ctx, source: string): string => {
    if (source === 'admin') return desk.text(ctx, 'console.groups.byHand')
    if (source === 'config') return desk.text(ctx, 'console.groups.byConfig')
    return desk.methods.label(source, desk.locale(ctx))
  }
  const memberOf = (ctx: Ctx, member: Member, at: string | undefined) => ({
    ...whoOf(member.account),
    email: member.account.email,
    state: member.account.state,
    isService: member.account.kind === 'service',
    isManager: member.isManager,
    sources: member.sources.map((source) => sourceText(ctx, source)),
    since: member.since,
    ...(at !== undefined && member.sources.includes('admin')
      ? { remove: frame.post(ctx, `${at}/members/${encodeURIComponent(member.account.id)}/remove`) }
      : {}),
  })
  return { lineOf, memberOf }
}

function groupPages(frame: ConsoleFrame, needs: GroupsNeeds) {
  const { desk } = needs
  const who = createWho(desk)
  const { lineOf, memberOf } = groupViews(frame, desk)

  return {
    async list(ctx: Ctx, visit: Visit): Promise<void> {
      const { admin } = visit.rights
      const found = await needs.groups.list({
        ...frame.asked(ctx),
        ...(admin ? {} : { managedBy: visit.actor.account }),
      })
      frame.show(ctx, 'console-groups', {
        frame: await frame.frame(ctx, visit, 'groups'),
        paging: frame.paging(ctx, found),
        groups: found.rows.map((group) => lineOf(ctx, group)),
        isNewOffered: admin,
      })
    },
    async makeNew(ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> {
      frame.show(ctx, 'console-group-new', {
        frame: await framed(frame, { ctx, visit, room: 'groups', notice }),
        post: frame.post(ctx, `${base}/new`),
        typed: typedIn(ctx),
      })
    },
    async one(ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> {
      const slug = slugOf(ctx, visit, desk)
      const group = await needs.groups.find(slug)
      if (!group) return gone(ctx, desk)
      const line = lineOf(ctx, group)
      const canChange = line.keeper === undefined
      const isAdmins = canChange && visit.rights.admin
      const at = addressOf(slug)
      const members = await needs.groups.members(slug, frame.asked(ctx))
      const data: Views['console-group'] = {
        frame: await framed(frame, { ctx, visit, room: 'groups', notice }),
        group: line,
        paging: frame.paging(ctx, members, at),
        members: members.rows.map((member) => memberOf(ctx, member, canChange ? at : undefined)),
        managers: await Promise.all(
          group.managers.map(async (id) => ({
            ...(await who.view(id)),
            ...(isAdmins ? { remove: frame.post(ctx, `${at}/managers/${encodeURIComponent(id)}/remove`) } : {}),
          })),
        ),
        ...(canChange ? { addMember: frame.post(ctx, `${at}/members`) } : {}),
        ...(isAdmins
          ? {
              addManager: frame.post(ctx, `${at}/managers`),
              change: frame.post(ctx, `${at}/change`),
              remove: frame.post(ctx, `${at}/remove`),
            }
          : {}),
        typed: typedIn(ctx),
      }
      frame.show(ctx, 'console-group', data)
    },
  }
}

function groupForms(frame: ConsoleFrame, needs: GroupsNeeds, show: ReturnType<typeof groupPages>): Route[] {
  const { desk } = needs
  const who = createWho(desk)
  const said = (ctx: Ctx, key: string, name = '') => desk.text(ctx, key, { name })
  /** A form on the page of one group; the page comes again when it failed. */
  const on = (path: string, apply: (ctx: Ctx, visit: Visit, slug: string) => Promise<string>): Route => {
    const change: FormChange = {
      may,
      async apply(ctx, visit) {
        const slug = slugOf(ctx, visit, desk)
        return { to: addressOf(slug), said: await apply(ctx, visit, slug) }
      },
      again: show.one,
    }
    return frame.form(`${base}/:slug/${path}`, change)
  }
  return [
    frame.form(`${base}/new`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const { slug = '', title = '', description } = typedIn(ctx)
        const group = await needs.groups.create(actor, { slug: slug.trim(), title, description })
        return { to: addressOf(group.slug), said: said(ctx, 'console.groups.made', group.title) }
      },
      again: show.makeNew,
    }),
    on('change', async (ctx, { actor }, slug) => {
      const { title = '', description = '' } = typedIn(ctx)
      await needs.groups.change(actor, slug, { title, description })
      return said(ctx, 'console.saved')
    }),
    on('members', async (ctx, { actor }, slug) => {
      const account = await who.find(ctx, typedIn(ctx).account ?? '')
      await needs.groups.addMember(actor, slug, account.id)
      return said(ctx, 'console.groups.added', account.displayName)
    }),
    on('members/:account/remove', async (ctx, { actor }, slug) => {
      await needs.groups.removeMember(actor, slug, ctx.params.account ?? '')
      return said(ctx, 'console.groups.removedMember')
    }),
    on('managers', async (ctx, { actor }, slug) => {
      const account = await who.find(ctx, typedIn(ctx).account ?? '')
      await needs.groups.setManager(actor, slug, { account: account.id, is: 'manager' })
      return said(ctx, 'console.groups.addedManager', account.displayName)
    }),
    on('managers/:account/remove', async (ctx, { actor }, slug) => {
      await needs.groups.setManager(actor, slug, { account: ctx.params.account ?? '', is: 'none' })
      return said(ctx, 'console.groups.removedManager')
    }),
    removeForm(frame, needs, show),
  ]
}

function removeForm(frame: ConsoleFrame, needs: GroupsNeeds, show: ReturnType<typeof groupPages>): Route {
  const { desk } = needs
  return frame.form(`${base}/:slug/remove`, {
    may: byAdmin,
    async apply(ctx, visit) {
      const slug = slugOf(ctx, visit, desk)
      // Typed once more: grants of the group end with it.
      if (typedIn(ctx).typed?.trim() !== slug)
        throw new Fault('ERR_INPUT', desk.text(ctx, 'console.typeNameWrong', { name: slug }))
      await needs.groups.remove(visit.actor, slug)
      return { to: base, said: desk.text(ctx, 'console.groups.gone', { name: slug }) }
    },
    again: show.one,
  })
}
